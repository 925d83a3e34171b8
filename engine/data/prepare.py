"""From raw data to a version: duplicates, row filters, k-core, canonical order, hash, files."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.canonical import version_hash
from engine.data.filters import core_mask, in_order, without_duplicates
from engine.data.manifest import FilterStep, Manifest
from engine.data.raw import ITEM_COLUMNS, RawData
from engine.data.statistics import summarise
from engine.data.version import Version
from engine.data.write import write_version
from engine.errors import DataError
from engine.result import DataCounts
from engine.spec import FilterSpec

_CORE_NOTE = "Held-out interactions counted too, as is usual."


def prepare(raw: RawData, filters: FilterSpec, folder: Path, parent: str | None = None) -> Version:
    """Filter ``raw`` and write the version to ``folder``.

    The order is: exact duplicates, minimum rating, iterated k-core. Users and items are numbered in the order of their ids;
    rows are sorted by user, time and file order. With ``filters.core`` 0 items without interactions stay in the catalogue.

    Args:
        raw: what a reader read.
        filters: what to leave out.
        folder: where the version goes; must not exist, be empty, or hold the same version.
        parent: hash of the version that this one is made from, if any.

    Raises:
        DataError: nothing, or fewer than 2 users, are left.
        UserError: ``folder`` holds something else.
    """
    rows = _Rows.of(raw)
    rows.drop_duplicates()
    if filters.minimum_rating is not None:
        rows.drop_rated_below(filters.minimum_rating)
    if filters.core > 0:
        rows.keep_core(filters.core)
    return write_version(_version(raw, rows, Path(folder), parent))


@dataclass
class _Rows:
    """The interactions as numbers, sorted by user, time and file order, and the filters that went over them.

    Codes follow the order of the ids.
    """

    frame: pl.DataFrame
    user_ids: pl.Series
    items: pl.DataFrame
    steps: list[FilterStep] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, raw: RawData) -> "_Rows":
        user_ids = raw.interactions["user"].unique().sort()
        items = raw.items.sort("id")
        codes = {"user": user_ids, "item": items["id"]}
        frame = raw.interactions.with_columns(
            pl.col(name).cast(pl.Enum(ids)).to_physical().cast(pl.Int32) for name, ids in codes.items()
        )
        return cls(in_order(frame), user_ids, items)

    def drop_duplicates(self) -> None:
        single = without_duplicates(self.frame)
        if removed := self.frame.height - single.height:
            self.notices.append(f"{removed:,} exact duplicates (same user, item, time and rating) were dropped.")
        self._keep("duplicates", single, {})

    def drop_rated_below(self, minimum: float) -> None:
        rated = self.frame["weight"].is_not_null()
        if not rated.any():
            raise DataError(
                f"filters.minimum_rating is {minimum:g}, but the data have no ratings.", "Leave filters.minimum_rating empty."
            )
        if not rated.all():
            self.notices.append(
                f"{int((~rated).sum()):,} interactions without a rating were kept by the minimum rating of {minimum:g}."
            )
        # Ratings are float32: 4.1 there is less than 4.1 as a Python float.
        low = pl.col("weight") < float(np.float32(minimum))
        self._keep("minimum-rating", self.frame.filter(~low.fill_null(False)), {"minimum_rating": minimum})

    def keep_core(self, core: int) -> None:
        before = self.frame
        mask = core_mask(before["user"].to_numpy(), before["item"].to_numpy(), core)
        if before.height and not mask.any():
            counts = (
                f"{before.height:,} interactions of {before['user'].n_unique():,} users with {before['item'].n_unique():,} items"
            )
            raise DataError(
                f"Nothing is left of {counts} when each user and each item must have {core} interactions.", "Lower filters.core."
            )
        kept = before.filter(pl.Series(mask))
        self._keep("k-core", kept, {"core": core}, self.items.height - kept["item"].n_unique(), _CORE_NOTE)

    def _keep(self, name: str, kept: pl.DataFrame, settings: dict[str, object], items_removed: int = 0, note: str = "") -> None:
        step = FilterStep.model_validate(
            {
                "name": name,
                "settings": settings,
                "interactions_removed": self.frame.height - kept.height,
                "users_removed": self.frame["user"].n_unique() - kept["user"].n_unique(),
                "items_removed": items_removed,
                "note": note,
            }
        )
        self.steps.append(step)
        self.frame = kept
        if name == "k-core":
            self.items = self.items.with_row_index("code").filter(pl.col("code").is_in(kept["item"].unique().implode()))


def _version(raw: RawData, rows: _Rows, folder: Path, parent: str | None) -> Version:
    _require_two_users(rows)
    frame = rows.frame
    user_codes, user = _renumber(frame["user"].to_numpy())
    item = frame["item"].to_numpy(writable=True)
    if "code" in rows.items.columns:
        item = np.searchsorted(rows.items["code"].to_numpy(), item).astype(np.int32)
    users = rows.user_ids.gather(user_codes).to_list()
    further = [name for name in rows.items.columns if name not in (*ITEM_COLUMNS, "code")]
    items = rows.items.select(pl.int_range(pl.len(), dtype=pl.Int32).alias("index"), *ITEM_COLUMNS, *further)
    timestamp = frame["timestamp"].to_numpy(writable=True)
    weight = frame["weight"].fill_null(1.0).to_numpy(writable=True)
    digest = version_hash(users, items, user, item, timestamp, weight)
    manifest = Manifest(
        hash=digest,
        counts=DataCounts(users=len(users), items=items.height, interactions=len(user)),
        time=raw.time,
        filters=rows.steps,
        statistics=summarise(user, item, timestamp, len(users), items.height),
        sources=raw.sources,
        parent=parent,
        notices=[*raw.notices, *rows.notices],
        files={},
    )
    return Version(folder, digest, manifest, users, items, user, item, timestamp, weight)


def _require_two_users(rows: _Rows) -> None:
    users = rows.frame["user"].n_unique()
    if users >= 2:
        return
    filtered = any(step.interactions_removed for step in rows.steps if step.name != "duplicates")
    where = " left after the filters" if filtered else ""
    hint = "Lower filters.core or filters.minimum_rating." if filtered else "Add the interactions of more users."
    count = f"{users} user{'' if users == 1 else 's'}{where}"
    raise DataError(f"{count}; at least 2 are needed to train.", hint)


def _renumber(codes: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The distinct codes of a sorted array, and the array with each code replaced by its place among them."""
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    lengths = np.diff(starts, append=len(codes))
    return codes[starts], np.repeat(np.arange(len(starts), dtype=np.int32), lengths)
