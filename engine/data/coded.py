"""The interactions of one source as integer codes, sorted: what filters work on."""

from dataclasses import dataclass

import polars as pl

from engine.data.filters import in_order
from engine.data.raw import ITEM_COLUMNS, RawData, Time
from engine.data.version import Version


@dataclass(frozen=True, eq=False)
class CodedRows:
    """Interactions whose users and items are numbers, in the order of their ids.

    Attributes:
        frame: ``user`` and ``item`` int32 from 0, ``timestamp`` int64, ``weight`` float32 (null: no rating), perhaps
            ``fraction`` int32 and ``part`` uint8; sorted by user, time and file order.
        user_ids: text, sorted; user ``u`` is ``user_ids[u]``.
        items: ``id``, ``title``, ``categories``, ``description``, further text, sorted by id; item ``i`` is row ``i``.
        time: what the timestamps are.
    """

    frame: pl.DataFrame
    user_ids: pl.Series
    items: pl.DataFrame
    time: Time

    @classmethod
    def of(cls, raw: RawData) -> "CodedRows":
        """The rows of ``raw``."""
        user_ids = raw.interactions["user"].unique().sort()
        items = raw.items.sort("id")
        codes = {"user": user_ids, "item": items["id"]}
        frame = raw.interactions.with_columns(
            pl.col(name).cast(pl.Enum(ids)).to_physical().cast(pl.Int32) for name, ids in codes.items()
        )
        return cls(in_order(frame), user_ids, items, raw.time)

    @classmethod
    def of_version(cls, version: Version) -> "CodedRows":
        """The rows of a version. Weights that are all 1 are no ratings."""
        weight = pl.Series(version.weight)
        if not len(weight) or (weight == 1).all():
            weight = pl.Series([None], dtype=pl.Float32).new_from_index(0, len(weight))
        frame = pl.DataFrame({"user": version.user, "item": version.item, "timestamp": version.timestamp, "weight": weight})
        if version.part is not None:
            frame = frame.with_columns(part=version.part)
        further = [name for name in version.items.columns if name not in (*ITEM_COLUMNS, "index")]
        items = version.items.select(*ITEM_COLUMNS, *further)
        return cls(frame, pl.Series(version.users, dtype=pl.String), items, version.manifest.time)
