"""Applying edits to the coded rows of a version, and making a version from another by edits and filters."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.candidates import named_candidates
from engine.data.catalogue import clean_text
from engine.data.coded import CodedRows
from engine.data.edits import Edits
from engine.data.filtering import Filtering
from engine.data.manifest import FilterStep
from engine.data.prepare import version_of_rows
from engine.data.specs import FilterSpec
from engine.data.version import Version
from engine.data.write import write_version
from engine.errors import DataError
from engine.result import DataCounts

_SHOWN = 10


def derive(parent: Version, edits: Edits, filters: FilterSpec, folder: Path) -> Version:
    """Edit and filter ``parent`` and write the new version to ``folder``: edits first, then filters as ``prepare`` has them.

    Without edits and filters that change anything, the new version has the hash of its parent.

    Raises:
        DataError: an edit names an unknown id, a filter cannot be used, or too little is left.
        UserError: ``folder`` holds something else.
    """
    edited, steps = apply_edits(CodedRows.of_version(parent), edits)
    rows = Filtering(edited)
    rows.apply(filters)
    rows.steps[:0] = steps
    # The parent's notices are about its own making; its page has them.
    candidates = named_candidates(parent)
    if candidates is not None:
        candidates = candidates.with_columns(pl.col("item").replace(edits.targets())).unique(maintain_order=True)
    return write_version(version_of_rows(rows, Path(folder), parent.manifest.sources, (), parent.hash, candidates))


def apply_edits(rows: CodedRows, edits: Edits) -> tuple[CodedRows, list[FilterStep]]:
    """``rows`` with ``edits``, and a step for each kind of edit. Rows that a merge makes equal are left for the filters.

    Raises:
        DataError: an id is not among the items or users, or nothing is left; all unknown ids of a kind are named, up to 10.
    """
    ids = rows.items["id"]
    merged = edits.targets()
    _require_known(ids, [*(change.id for change in edits.changes), *merged, *merged.values(), *edits.exclude_items], "item")
    _require_known(rows.user_ids, edits.exclude_users, "user")
    frame, steps = rows.frame, []
    items = _with_changes(rows.items, edits)
    listed = np.ones(len(ids), bool)

    def note(name: str, settings: dict[str, object], new: pl.DataFrame, gone: int = 0) -> pl.DataFrame:
        before, after = _count(frame), _count(new)
        step = {
            "name": name,
            "settings": settings,
            "interactions_removed": before.interactions - after.interactions,
            "users_removed": before.users - after.users,
            "items_removed": gone,
        }
        steps.append(FilterStep.model_validate(step))
        if before.interactions and not after.interactions:
            raise DataError("Nothing is left: the edits leave out every interaction.", "Leave out less.")
        return new

    if edits.changes:
        texts = {
            name: sum(getattr(change, name) is not None for change in edits.changes)
            for name in ("title", "categories", "description")
        }
        frame = note("edit-items", {f"{name} changed": count for name, count in texts.items() if count}, frame)
    if merged:
        code = dict(zip(ids.to_list(), range(len(ids)), strict=True))
        place = np.arange(len(ids), dtype=np.int32)
        for source, into in merged.items():
            place[code[source]] = code[into]
            listed[code[source]] = False
        pairs = [f"{source}\0{into}" for source, into in sorted(merged.items())]
        moved = frame.with_columns(item=pl.Series(place[frame["item"].to_numpy()]))
        frame = note("merge-items", {"merges": len(merged), "sha256": _sha256(pairs)}, moved, len(merged))
    if edits.exclude_items:
        gone = ids.is_in(pl.Series(edits.exclude_items).implode()).to_numpy()
        listed &= ~gone
        kept = frame.filter(pl.Series(~gone[frame["item"].to_numpy()]))
        frame = note("exclude-items", _listed(edits.exclude_items), kept, len(edits.exclude_items))
    if edits.exclude_users:
        absent = rows.user_ids.is_in(pl.Series(edits.exclude_users).implode()).to_numpy()
        kept = frame.filter(pl.Series(~absent[frame["user"].to_numpy()]))
        frame = note("exclude-users", _listed(edits.exclude_users), kept)
    return _without_unlisted(rows, frame, items, listed), steps


def _with_changes(items: pl.DataFrame, edits: Edits) -> pl.DataFrame:
    if not edits.changes:
        return items
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "id": pl.String,
        "title": pl.String,
        "categories": pl.List(pl.String),
        "description": pl.String,
    }
    changes = pl.DataFrame([change.model_dump() for change in edits.changes], schema=schema)
    kept = [name for name in schema if name != "id"]
    joined = items.join(changes, on="id", how="left", suffix="_new", maintain_order="left")
    categories = pl.col("categories_new").list.eval(clean_text(pl.element()))
    categories = categories.list.eval(pl.element().filter(pl.element() != "").unique(maintain_order=True))
    new = {"categories": categories} | {name: clean_text(pl.col(f"{name}_new")) for name in ("title", "description")}
    joined = joined.with_columns(
        pl.when(pl.col(f"{name}_new").is_null()).then(pl.col(name)).otherwise(new[name]).alias(name) for name in kept
    )
    joined = joined.with_columns(title=pl.when(pl.col("title") == "").then("id").otherwise("title"))
    return joined.select(items.columns)


def _without_unlisted(rows: CodedRows, frame: pl.DataFrame, items: pl.DataFrame, listed: npt.NDArray[np.bool_]) -> CodedRows:
    if not listed.all():
        place = np.cumsum(listed, dtype=np.int32) - 1
        frame = frame.with_columns(item=pl.Series(place[frame["item"].to_numpy()], dtype=pl.Int32))
        items = items.filter(pl.Series(listed))
    return CodedRows(frame, rows.user_ids, items, rows.time)


def _require_known(ids: pl.Series, wanted: Iterable[str], what: str) -> None:
    asked = pl.Series(sorted(set(wanted)), dtype=pl.String)
    unknown = asked.filter(~asked.is_in(ids.implode()))
    if unknown.is_empty():
        return
    shown = ", ".join(unknown.head(_SHOWN)) + (f" and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else "")
    many = len(unknown) > 1
    raise DataError(
        f"{len(unknown):,} {what}{'s' if many else ''} of the edits {'are' if many else 'is'} not in this version: {shown}.",
        "Take these edits out, or check the ids.",
    )


def _count(frame: pl.DataFrame) -> DataCounts:
    users = int(np.count_nonzero(np.bincount(frame["user"].to_numpy(), minlength=1)))
    return DataCounts(users=users, items=0, interactions=frame.height)


def _listed(ids: tuple[str, ...]) -> dict[str, object]:
    """A list as a manifest may keep it: who asked to be left out should not be named there for ever."""
    return {"ids": len(ids), "sha256": _sha256(ids)}


def _sha256(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
