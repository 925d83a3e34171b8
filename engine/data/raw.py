"""What a reader hands on: the interactions and items of one source, as text ids, not yet filtered."""

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from engine.data.rejected import of_files

Time = Literal["real", "order", "position"]
"""``real``: the source has times; ``order``: it has none, rows stand in order; ``position``: its times are 1..n in each user."""

ITEM_COLUMNS = ("id", "title", "categories", "description")


@dataclass(frozen=True, eq=False)
class RawData:
    """One source of data, read and checked, nothing filtered.

    Attributes:
        interactions: in file order; ``user`` and ``item`` categorical (text will do), ``timestamp`` int64 in seconds (the
            position 1..n within the user, where ``time`` is not ``real``), ``weight`` float32 (the rating; null where there is
            none), and, only if some time has a part below the second, ``fraction`` int32 in milliseconds, 0 to 999; only if the
            source says how to split it, ``part`` uint8 (see :mod:`engine.data.parts`).
        items: ``id``, ``title``, ``categories`` (list of text), ``description``, further text columns; one row an id; every
            item that an interaction names is there.
        sources: SHA-256 of each file that was read, by file name.
        time: what the timestamps are.
        notices: what people should know about the reading, one sentence each.
        rejected: rows that were left out: ``file`` and the columns of :data:`engine.data.rejected.REJECTED`.
        candidates: ``user`` and ``item`` text: what is ranked for whom at the test, if the source says so.
    """

    interactions: pl.DataFrame
    items: pl.DataFrame
    sources: dict[str, str]
    time: Time
    notices: tuple[str, ...] = ()
    rejected: pl.DataFrame = field(default_factory=lambda: of_files({}))
    candidates: pl.DataFrame | None = None
