"""The interactions of one source as integer codes, sorted: what filters work on."""

from dataclasses import dataclass

import numpy as np
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
        rows = raw.interactions
        user_ids = rows["user"].unique().cast(pl.String).sort()
        items = raw.items.sort("id")
        codes = {name: _codes(rows[name], ids) for name, ids in (("user", user_ids), ("item", items["id"]))}
        return cls(in_order(rows.with_columns(**codes)), user_ids, items, raw.time)

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


def _codes(texts: pl.Series, ids: pl.Series) -> pl.Series:
    """The place of each of ``texts`` among ``ids``, int32; each distinct text is looked for once."""
    column = texts.cast(pl.Categorical)
    distinct = column.unique()
    places = np.empty(int(distinct.to_physical().max()) + 1 if len(distinct) else 0, np.int32)  # type: ignore[arg-type]
    places[distinct.to_physical().to_numpy()] = distinct.cast(pl.String).cast(pl.Enum(ids)).to_physical().to_numpy()
    return pl.Series(places[column.to_physical().to_numpy()])
