"""The lines of JSON Lines that are all alike, taken apart by one regular expression."""

import io
import re
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from engine.data.jsonl_line import BadLine, read_line
from engine.data.text import Text

LINE = "\0line"
"""The column of line numbers: no key is called so."""

_SAMPLE = 1000
_MOST_KEYS = 20
_PLAIN_KEY = re.compile("[A-Za-z0-9_]+")
_BLANK = r"[ \t]*"
_VALUE = r'("[^"\\\x00-\x1f]*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)'


@dataclass(frozen=True, eq=False)
class Regular:
    """The lines of one file.

    Attributes:
        frame: those that have the keys of the first one, in its order, with plain values: their numbers as ``LINE``, and texts.
        others: all others that are not blank, with their numbers.
    """

    frame: pl.DataFrame
    others: list[tuple[int, str]]


def regular_lines(text: Text, keys: Collection[str] | None) -> Regular | None:
    """Take the lines of ``text`` apart, ``keys`` alone if they are given; None if most of the first ones are not alike."""
    data = text.data
    found = _keys_of_first(data)
    if not found or b"\x1e" in data or data.count(b"\r") != data.count(b"\r\n"):
        return None
    rows = pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        schema={LINE: pl.String},
        separator="\x1e",
        quote_char=None,
        empty_string_is_null=False,
    )[LINE]
    pairs = f"{_BLANK},{_BLANK}".join(f'"{key}"{_BLANK}:{_BLANK}{_VALUE}' for key in found)
    pattern = rf"^{_BLANK}\{{{_BLANK}{pairs}{_BLANK}\}}{_BLANK}\r?$"
    sample = rows.head(_SAMPLE)
    if len(rows) != data.count(b"\n") + (not data.endswith(b"\n")) or 2 * sample.str.contains(pattern).sum() < len(sample):
        return None
    values = rows.str.extract_groups(pattern).struct.unnest()
    values.columns = found
    like = values[found[0]].is_not_null()
    numbers = pl.int_range(1, len(rows) + 1, dtype=pl.Int64, eager=True).alias(LINE)
    texts = (
        pl.when(pl.col(key) != "null").then(pl.col(key)).otherwise(pl.lit("")) for key in found if keys is None or key in keys
    )
    frame = values.select(numbers, *(text.str.strip_prefix('"').str.strip_suffix('"') for text in texts)).filter(like)
    others = zip(numbers.filter(~like).to_list(), rows.filter(~like).to_list(), strict=True)
    return Regular(frame, [(number, line) for number, line in others if line.strip()])


def _keys_of_first(data: bytes) -> list[str]:
    """The keys of the object on the first line, if the expression can be made of them."""
    end = data.find(b"\n")
    try:
        keys = list(read_line((data if end < 0 else data[:end]).decode()))
    except BadLine:
        return []
    return keys if len(keys) <= _MOST_KEYS and all(_PLAIN_KEY.fullmatch(key) for key in keys) else []
