"""The values of many JSON objects as text columns, without the lines on which a list or an object stands where none may."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.data.jsonl_regular import LINE
from engine.errors import DataError

MOST_KEYS = 200
_REASON = "\0reason"
_NOTHING, _SINGLE, _LIST, _OBJECT = range(4)


@dataclass(frozen=True, eq=False)
class Checked:
    """What became of the objects.

    Attributes:
        frame: the good ones as texts, with their lines as ``LINE``.
        bad: what is wrong with the others, by line.
        left_out: keys that are no columns, because they hold objects.
        lists: keys under which good rows have lists.
    """

    frame: pl.DataFrame
    bad: dict[int, str]
    left_out: list[str]
    lists: frozenset[str]


class Columns:
    """Columns that grow block by block.

    Args:
        name: file name, for messages.
        keys: the keys that are wanted; None for all.
        joins: keys that may hold lists, and what joins their members.
        regular: rows of single values that are known already; they count when it is judged what a key mostly holds.
    """

    def __init__(
        self, name: str, keys: Collection[str] | None, joins: Mapping[str, str], regular: pl.DataFrame | None = None
    ) -> None:
        self._name = name
        self._keys = keys
        self._joins = joins
        self._regular = regular
        self._found: dict[str, None] = {}
        self._texts: list[pl.DataFrame] = []
        self._kinds: list[pl.DataFrame] = []

    def add(self, objects: Mapping[int, Mapping[str, Any]]) -> None:
        """Add rows by their line; raises DataError if the objects have too many different keys for a table."""
        for found in objects.values():
            self._found.update(dict.fromkeys(found if self._keys is None else (key for key in found if key in self._keys)))
            if len(self._found) > MOST_KEYS:
                raise DataError(
                    f"{self._name}: the objects have more than {MOST_KEYS} different keys.", "Keep only the keys that matter."
                )
        texts = {LINE: pl.Series(list(objects), dtype=pl.Int64)}
        kinds = {LINE: texts[LINE]}
        for key in self._found:
            texts[key], kinds[key] = _column([found.get(key) for found in objects.values()], self._joins.get(key, "|"))
        self._texts.append(pl.DataFrame(texts))
        self._kinds.append(pl.DataFrame(kinds))

    def finish(self) -> Checked:
        """Judge all rows that were added."""
        texts = pl.concat(self._texts, how="diagonal").with_columns(pl.col(pl.String).fill_null(""))
        kinds = pl.concat(self._kinds, how="diagonal").fill_null(_NOTHING)
        left_out: list[str] = []
        wrong = [pl.lit(None, pl.String)]
        keys = kinds.columns[1:]
        for key in keys:
            may_be_list, may_be_column = self._judge(key, kinds[key])
            if not may_be_column:
                left_out.append(key)
                continue
            wrong.append(pl.when(pl.col(key) == _OBJECT).then(pl.lit(f"`{key}` is an object, not one value")))
            if not may_be_list:
                wrong.append(pl.when(pl.col(key) == _LIST).then(pl.lit(f"`{key}` is a list, not one value")))
        reasons = kinds.with_columns(pl.coalesce(wrong).alias(_REASON))[_REASON]
        good = reasons.is_null()
        lists = frozenset(key for key in keys if (kinds[key].filter(good) == _LIST).any())
        bad = dict(zip(texts[LINE].filter(~good), reasons.filter(~good), strict=True))
        return Checked(texts.filter(good).drop(left_out), bad, left_out, lists)

    def _judge(self, key: str, kinds: pl.Series) -> tuple[bool, bool]:
        """Whether a key may hold lists, and whether it may be a column at all."""
        if self._keys is not None or key in self._joins:
            return key in self._joins, True
        single = int((kinds == _SINGLE).sum())
        if self._regular is not None and key in self._regular.columns:
            single += int((self._regular[key] != "").sum())
        lists, objects = int((kinds == _LIST).sum()), int((kinds == _OBJECT).sum())
        return lists > single, objects == 0 or objects < single + lists


def _column(values: Sequence[Any], join: str) -> tuple[pl.Series, pl.Series]:
    """The texts of the values, and what each of them is."""
    try:
        texts = pl.Series(values, dtype=pl.String)
    except TypeError:
        cells = [_cell(value, join) for value in values]
        return pl.Series([text for text, _ in cells], dtype=pl.String), pl.Series([kind for _, kind in cells], dtype=pl.Int8)
    return texts, (texts.fill_null("") != "").cast(pl.Int8)


def _cell(value: Any, join: str) -> tuple[str, int]:
    """The text of a value, and what it is; a list may hold lists of single values."""
    if value is None:
        return "", _NOTHING
    if isinstance(value, bool):
        return str(value).lower(), _SINGLE
    if isinstance(value, str):
        return value, _SINGLE if value else _NOTHING
    if isinstance(value, dict):
        return "", _OBJECT
    flat = [inner for member in value for inner in (member if isinstance(member, list) else [member])]
    if any(isinstance(member, list | dict) for member in flat):
        return "", _OBJECT
    return join.join(text for text in (_cell(member, join)[0] for member in flat) if text), _LIST
