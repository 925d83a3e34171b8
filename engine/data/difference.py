"""What differs between two versions: users, items, interactions, the texts of items, and how they were filtered."""

from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from engine.data.raw import ITEM_COLUMNS
from engine.data.row_difference import Alone, row_difference
from engine.data.version import Version
from engine.result import DataCounts

SHOWN = 20
"""Samples of each difference at most."""
_CUT = 300


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Frozen):
    """The text of one item, before and after; texts longer than 300 characters are cut."""

    item: str = Field(description="id")
    before: str
    after: str


class Row(_Frozen):
    """An interaction; ``times`` is how often it stands there alone."""

    user: str
    item: str
    timestamp: int = Field(description="seconds since 1970, or a position where times are not real")
    weight: float
    times: int = Field(ge=1)


class Ids(_Frozen):
    """Users or items that one version has and the other has not."""

    count: int
    samples: list[str] = Field(max_length=SHOWN, description="ids, the first in their order")


class Rows(_Frozen):
    """Interactions that one version has and the other has not."""

    count: int
    samples: list[Row] = Field(max_length=SHOWN)


class Changes(_Frozen):
    """Items that both versions have, with other text in one column."""

    column: str
    count: int
    samples: list[Change] = Field(max_length=SHOWN)


class FilterChange(_Frozen):
    """A filter that was set otherwise; None: there was none."""

    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Difference(_Frozen):
    """What differs between the versions ``before`` and ``after``, given by their hashes."""

    before: str
    after: str
    counts_before: DataCounts
    counts_after: DataCounts
    users_gone: Ids
    users_new: Ids
    items_gone: Ids
    items_new: Ids
    interactions_gone: Rows
    interactions_new: Rows
    columns_gone: list[str] = Field(description="further columns of the items")
    columns_new: list[str]
    changes: list[Changes] = Field(description="columns in which the text of items differs")
    filters: list[FilterChange]

    @property
    def same(self) -> bool:
        """Whether both hold the same data, however they came about."""
        return self.before == self.after


def difference(before: Version, after: Version) -> Difference:
    """Compare two versions by ids; seconds for ten million interactions. An interaction that changed is gone, and a new one."""
    gone, new = row_difference(before, after, SHOWN)
    old_columns, new_columns = _columns(before), _columns(after)
    return Difference(
        before=before.hash,
        after=after.hash,
        counts_before=before.counts,
        counts_after=after.counts,
        users_gone=_ids(before.users, after.users),
        users_new=_ids(after.users, before.users),
        items_gone=_ids(before.item_ids, after.item_ids),
        items_new=_ids(after.item_ids, before.item_ids),
        interactions_gone=_rows(gone),
        interactions_new=_rows(new),
        columns_gone=[name for name in old_columns if name not in new_columns],
        columns_new=[name for name in new_columns if name not in old_columns],
        changes=_changes(before, after, [name for name in old_columns if name in new_columns]),
        filters=_filters(before, after),
    )


def _columns(version: Version) -> list[str]:
    return [name for name in version.items.columns if name not in ("index", "id")]


def _ids(ours: list[str], others: list[str]) -> Ids:
    known = set(others)
    alone = [one for one in ours if one not in known]
    return Ids(count=len(alone), samples=alone[:SHOWN])


def _rows(alone: Alone) -> Rows:
    samples = [
        Row(user=user, item=item, timestamp=timestamp, weight=weight, times=times)
        for user, item, timestamp, weight, times in alone.first
    ]
    return Rows(count=alone.count, samples=samples)


def _changes(before: Version, after: Version, columns: list[str]) -> list[Changes]:
    left, right = (
        version.items.select("id", *columns).with_columns(pl.col("categories").list.join(" | ")) for version in (before, after)
    )
    both = left.join(right, on="id", suffix=" after")
    found = []
    for name in (*(name for name in ITEM_COLUMNS if name in columns), *(name for name in columns if name not in ITEM_COLUMNS)):
        changed = both.select("id", before=name, after=f"{name} after").filter(pl.col("before") != pl.col("after"))
        if changed.height:
            samples = [
                Change(item=item, before=old[:_CUT], after=new[:_CUT]) for item, old, new in changed.head(SHOWN).iter_rows()
            ]
            found.append(Changes(column=name, count=changed.height, samples=samples))
    return found


def _filters(before: Version, after: Version) -> list[FilterChange]:
    old, new = ({step.name: step.settings for step in version.manifest.filters} for version in (before, after))
    names = [*old, *(name for name in new if name not in old)]
    return [
        FilterChange(name=name, before=old.get(name), after=new.get(name)) for name in names if old.get(name) != new.get(name)
    ]
