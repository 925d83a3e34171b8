"""From raw data to a version: duplicates, row filters, k-core, canonical order, hash, files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.candidates import code_candidates
from engine.data.canonical import version_hash
from engine.data.coded import CodedRows
from engine.data.filtering import Filtering
from engine.data.manifest import Manifest
from engine.data.raw import ITEM_COLUMNS, RawData
from engine.data.statistics import summarise
from engine.data.version import Version
from engine.data.write import write_version
from engine.errors import DataError
from engine.result import DataCounts
from engine.spec import FilterSpec


def prepare(
    raw: RawData,
    filters: FilterSpec,
    folder: Path,
    parent: str | None = None,
    report: Callable[[str], None] = lambda step: None,
) -> Version:
    """Filter ``raw`` and write the version to ``folder``.

    The order is: exact duplicates, row filters (rating, time, lists of users, items and categories), sampling of users, iterated
    k-core. Users and items are numbered in the order of their ids; rows are sorted by user, time and file order. With
    ``filters.core`` 0 items without interactions stay in the catalogue. An imported split and candidate lists go with the rows,
    users and items that stay; rows that differ in nothing but their part are no duplicates.

    Args:
        raw: what a reader read.
        filters: what to leave out.
        folder: where the version goes; must not exist, be empty, or hold the same version.
        parent: hash of the version that this one is made from, if any.
        report: is told ``filtering`` and ``writing`` as these begin.

    Raises:
        DataError: nothing, or fewer than 2 users, are left.
        UserError: ``folder`` holds something else.
    """
    report("filtering")
    rows = Filtering(CodedRows.of(raw))
    rows.apply(filters)
    version = version_of_rows(rows, Path(folder), raw.sources, raw.notices, parent, raw.candidates)
    report("writing")
    return write_version(version)


def version_of_rows(
    rows: Filtering,
    folder: Path,
    sources: dict[str, str],
    notices: Sequence[str] = (),
    parent: str | None = None,
    candidates: pl.DataFrame | None = None,
) -> Version:
    """The version that filtered ``rows`` make, not yet written to ``folder``.

    Args:
        sources: SHA-256 of each source file, by name.
        notices: what people should know, before what the filters say.
        parent: hash of the version that this one is made from, if any.
        candidates: imported candidate lists, ``user`` and ``item`` as ids, if there are any.

    Raises:
        DataError: fewer than 2 users are left.
    """
    require_two_users(rows)
    frame = rows.frame
    user_codes, user = _renumber(frame["user"].to_numpy())
    item = (np.cumsum(rows.listed, dtype=np.int32) - 1)[frame["item"].to_numpy()]
    users = rows.user_ids.gather(user_codes).to_list()
    further = [name for name in rows.items.columns if name not in ITEM_COLUMNS]
    items = rows.items.filter(pl.Series(rows.listed))
    items = items.select(pl.int_range(pl.len(), dtype=pl.Int32).alias("index"), *ITEM_COLUMNS, *further)
    timestamp = frame["timestamp"].to_numpy(writable=True)
    weight = frame["weight"].fill_null(1.0).to_numpy(writable=True)
    part = frame["part"].to_numpy(writable=True) if "part" in frame.columns else None
    left_out: list[str] = []
    if candidates is not None:
        candidates, left_out = code_candidates(candidates, users, items["id"])
    digest = version_hash(users, items, user, item, timestamp, weight, part, candidates)
    manifest = Manifest(
        hash=digest,
        counts=DataCounts(users=len(users), items=items.height, interactions=len(user)),
        time=rows.time,
        filters=rows.steps,
        statistics=summarise(user, item, timestamp, len(users), items.height),
        sources=sources,
        parent=parent,
        notices=[*notices, *rows.notices, *left_out],
        files={},
    )
    return Version(folder, digest, manifest, users, items, user, item, timestamp, weight, part, candidates)


def require_two_users(rows: Filtering) -> None:
    """Raise DataError if ``rows`` has fewer users than a split needs."""
    users = rows.counts[-1].users
    if users >= 2:
        return
    filtered = any(step.interactions_removed for step in rows.steps if step.name != "duplicates")
    where = " left after the filters" if filtered else ""
    hint = "Filter less: lower filters.core, for example." if filtered else "Add the interactions of more users."
    count = f"{users} user{'' if users == 1 else 's'}{where}"
    raise DataError(f"{count}; at least 2 are needed to train.", hint)


def _renumber(codes: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The distinct codes of a sorted array, and the array with each code replaced by its place among them."""
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    lengths = np.diff(starts, append=len(codes))
    return codes[starts], np.repeat(np.arange(len(starts), dtype=np.int32), lengths)
