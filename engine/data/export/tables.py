"""A version as the two tables that text formats hold: every cell as text, so that reading it gives the same version again."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.data.faithful import milliseconds_apart, own_titles
from engine.data.raw import ITEM_COLUMNS
from engine.data.version import Version

MOST_TIED = 999
"""Rows that equal one another to the second can be told apart by milliseconds only."""


@dataclass(frozen=True, eq=False)
class Tables:
    """What an export holds.

    Attributes:
        log: ``user_id``, ``item_id``, ``timestamp``, all text; ``rating`` float32, if any weight is not 1.
        items: ``item_id``, ``title`` (empty where the id stands in), ``categories`` (list), ``description``, further text.
        lost: what the format cannot hold, one sentence each; empty: reading it gives the same hash.
    """

    log: pl.DataFrame
    items: pl.DataFrame
    lost: tuple[str, ...]


def tables_of(version: Version, forbidden: str) -> Tables:
    """The tables of ``version``.

    Args:
        forbidden: characters that the name of a column cannot have, as the inside of a pattern's brackets.
    """
    items, lost = _items(version, forbidden)
    users, ids = pl.Series(version.users, dtype=pl.String), version.items["id"]
    rows = pl.DataFrame({"user": version.user, "item": version.item, "timestamp": version.timestamp, "weight": version.weight})
    timestamp = rows["timestamp"].cast(pl.String)
    if (apart := milliseconds_apart(rows)) is not None:
        timestamp = timestamp + _fraction(apart)
        if apart.max() > MOST_TIED:  # type: ignore[operator]
            lost.append(f"Of rows of a user that are equal to the second, no more than {MOST_TIED + 1:,} are read again.")
    log = pl.DataFrame({"user_id": users.gather(rows["user"]), "item_id": ids.gather(rows["item"]), "timestamp": timestamp})
    if (version.weight != 1).any():
        log = log.with_columns(rating=pl.Series(version.weight))
    if version.manifest.time != "real":
        lost.extend(_positions(version))
    return Tables(log, items, tuple(lost))


def text_or_nothing(items: pl.DataFrame) -> pl.DataFrame:
    """``items`` with the categories joined by ``|``, and null for empty text, which is written as nothing at all."""
    joined = items.with_columns(pl.col("categories").list.join("|"))
    return joined.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)))


def _fraction(milliseconds: pl.Series) -> pl.Series:
    """``.001`` for a millisecond; nothing for none."""
    value = pl.col("ms").clip(0, MOST_TIED).cast(pl.String).str.zfill(3)
    text = pl.when(pl.col("ms") > 0).then(pl.concat_str(pl.lit("."), value)).otherwise(pl.lit(""))
    return pl.DataFrame({"ms": milliseconds}).select(text).to_series()


def _items(version: Version, forbidden: str) -> tuple[pl.DataFrame, list[str]]:
    lost = []
    further = [name for name in version.items.columns if name not in (*ITEM_COLUMNS, "index")]
    names = _fitting(further, forbidden)
    if changed := [f"{old!r} is {new!r}" for old, new in names.items() if old != new]:
        lost.append(f"Columns have other names, for theirs cannot be written: {', '.join(changed)}.")
    items = own_titles(version.items.select(*ITEM_COLUMNS, *further))
    members = items["categories"].explode(empty_as_null=False)
    piped = members.str.contains("|", literal=True)
    if piped.any():
        lost.append(f"{int(piped.sum()):,} categories hold a |, which stands between categories; it is a / here.")
        inner = pl.element().str.replace_all("|", "/", literal=True)
        items = items.with_columns(pl.col("categories").list.eval(inner))
    return items.rename({"id": "item_id", **names}), lost


def _fitting(names: list[str], forbidden: str) -> dict[str, str]:
    taken = {"item_id", *ITEM_COLUMNS, "index"}
    fitting = {}
    for name in names:
        stem = new = re.sub(f"[{forbidden}\r\n]", "_", name) or "_"
        number = 1
        while new in taken:
            number += 1
            new = f"{stem}_{number}"
        taken.add(new)
        fitting[name] = new
    return fitting


def _positions(version: Version) -> list[str]:
    counts = np.bincount(version.user)
    first = np.insert(np.cumsum(counts), 0, 0)[:-1]
    if np.array_equal(version.timestamp, np.arange(len(version.user)) - np.repeat(first, counts) + 1):
        return []
    return [
        "The times are positions with gaps, where filters took rows away: whoever reads them, this program too, takes them for "
        "times in 1970. Only the Parquet format says what they are."
    ]
