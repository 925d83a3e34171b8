"""JSON Lines as a table of text columns: good lines kept, bad ones rejected with a reason, a line number for every row.

Lines that are like the first one are taken apart by one regular expression, some hundred thousand a second; all others go one
by one through Python's JSON decoder. Values become the text that a CSV file would have: numbers as they are written, ``null``
as nothing, lists joined.
"""

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from engine.data.jsonl_columns import Columns
from engine.data.jsonl_line import BadLine, read_line, read_literal
from engine.data.jsonl_regular import LINE, regular_lines
from engine.data.rejected import SHOWN, rejected_rows
from engine.data.table import Table
from engine.data.text import Text
from engine.errors import DataError

_BLOCK = 20_000
_MOST_BAD = 1000


def read_jsonl(
    text: Text, *, keys: Collection[str] | None = None, joins: Mapping[str, str] | None = None, literals: bool = False
) -> Table:
    """Parse ``text``, one object a line; blank lines are skipped.

    Args:
        text: the file.
        keys: the keys that are wanted; all others are ignored, whatever they hold. None takes all, leaves out those that mostly
            hold objects, and rejects lines with a list or an object where most others have one value.
        joins: keys that may hold lists (of lists) as well as single values, and what joins their members; all others are joined
            by ``|``. With ``keys``, only these may hold lists.
        literals: whether lines may be dictionaries as Python writes them.

    Raises:
        DataError: no line is good, most of many are bad, or there are more keys than a table can have.
    """
    regular = regular_lines(text, keys)
    columns = Columns(text.name, keys, joins or {}, regular.frame.drop(LINE) if regular else None)
    others = regular.others if regular else _lines(text)
    bad = _read(text.name, others, columns, read_literal if literals else read_line, regular.frame.height if regular else 0)
    checked = columns.finish()
    bad |= checked.bad
    frame = checked.frame
    if regular:
        frame = pl.concat([regular.frame, frame], how="diagonal").sort(LINE).with_columns(pl.col(pl.String).fill_null(""))
    if frame.is_empty():
        raise _no_good_line(text.name, bad)
    notices = text.notices
    if checked.left_out:
        notices += (f"{text.name}: keys left out, they hold objects: {', '.join(checked.left_out)}.",)
    rejected = _rejected(text, bad)
    return Table(text.name, frame.drop(LINE), frame[LINE].to_numpy(), 1, rejected, notices, checked.lists)


def _read(
    name: str, lines: Iterable[tuple[int, str]], columns: Columns, read: Callable[[str], dict[str, Any]], good: int
) -> dict[int, str]:
    """Add the objects on ``lines`` to ``columns``; returns the numbers of bad lines with the reasons."""
    bad: dict[int, str] = {}
    block: dict[int, dict[str, Any]] = {}
    for number, line in lines:
        try:
            block[number] = read(line)
            good += 1
        except BadLine as reason:
            bad[number] = str(reason)
            if len(bad) > max(_MOST_BAD, good):
                raise _no_good_line(name, bad) from None
        if len(block) == _BLOCK:
            columns.add(block)
            block = {}
    columns.add(block)
    return bad


def _lines(text: Text) -> Iterator[tuple[int, str]]:
    """Each line that is not blank with its number, and without its end, be that LF, CRLF or CR."""
    stream = io.TextIOWrapper(io.BytesIO(text.data), encoding="utf-8")
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield number, line.removesuffix("\n")


def _no_good_line(name: str, bad: Mapping[int, str]) -> DataError:
    shown = "; ".join(f"line {line}: {reason}" for line, reason in list(bad.items())[:10])
    what = "1 line holds" if len(bad) == 1 else f"{len(bad):,} lines hold"
    return DataError(
        f"{name}: {what} no object that can be used: {shown}{'; ...' if len(bad) > 10 else ''}.",
        'JSON Lines has one object a line: {"user_id": "u1", "item_id": "i1", "timestamp": 1600000000}.',
    )


def _rejected(text: Text, bad: Mapping[int, str]) -> pl.DataFrame:
    lines = sorted(bad)
    shown = [line[:SHOWN] for number, line in _lines(text) if number in bad] if bad else []
    return rejected_rows(lines, [bad[line] for line in lines], shown)
