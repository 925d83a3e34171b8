"""What curators change of a version: texts of items, duplicate items, what is left out. Loads no polars: web pages use it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ItemChange(_Frozen):
    """New texts of one item; None leaves a text as it is, an empty title lets the id stand in."""

    id: str
    title: str | None = None
    categories: tuple[str, ...] | None = None
    description: str | None = None


class Merge(_Frozen):
    """Item ``source`` is the same as item ``into``: its interactions go there, and its texts go."""

    source: str
    into: str


class Edits(_Frozen):
    """Edits of one version, in one canonical order: the same edits are equal, whoever made them in which order."""

    changes: tuple[ItemChange, ...] = Field((), description="at most one an item")
    merges: tuple[Merge, ...] = Field((), description="chains are followed: a into b and b into c makes all of them c")
    exclude_items: tuple[str, ...] = Field((), description="ids of items to leave out, with their interactions")
    exclude_users: tuple[str, ...] = Field((), description="ids of users to leave out, with their interactions")

    @field_validator("exclude_items", "exclude_users")
    @classmethod
    def _sorted(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(ids)))

    @field_validator("changes")
    @classmethod
    def _one_change_an_item(cls, changes: tuple[ItemChange, ...]) -> tuple[ItemChange, ...]:
        _refuse_repeats([change.id for change in changes], "is changed twice")
        return tuple(sorted(changes, key=lambda change: change.id))

    @field_validator("merges")
    @classmethod
    def _one_merge_an_item(cls, merges: tuple[Merge, ...]) -> tuple[Merge, ...]:
        _refuse_repeats([merge.source for merge in merges], "is merged into two others")
        return tuple(sorted(merges, key=lambda merge: merge.source))

    @model_validator(mode="after")
    def _consistent(self) -> "Edits":
        left_out, changed = set(self.exclude_items), {change.id for change in self.changes}
        for source, into in self.targets().items():
            if source in left_out:
                raise ValueError(f"item {source!r} is both merged into {into!r} and left out")
            if into in left_out:
                raise ValueError(f"item {source!r} is merged into {into!r}, which is left out")
            if source in changed:
                raise ValueError(f"item {source!r} is both changed and merged into {into!r}")
        if both := sorted(left_out & changed):
            raise ValueError(f"item {both[0]!r} is both changed and left out")
        return self

    def __bool__(self) -> bool:
        """Whether there is any edit."""
        return bool(self.changes or self.merges or self.exclude_items or self.exclude_users)

    def targets(self) -> dict[str, str]:
        """For each merged item the one that it ends up in, chains followed; raises ValueError for a circle."""
        into = {merge.source: merge.into for merge in self.merges}
        ends: dict[str, str] = {}
        for source in into:
            trail, place = {source}, into[source]
            while place in into and place not in ends:
                if place in trail:
                    break
                trail.add(place)
                place = into[place]
            end = ends.get(place, place)
            if end in trail:
                raise ValueError(f"item {source!r} is merged into itself" + (" by a circle of merges" if len(trail) > 1 else ""))
            ends.update(dict.fromkeys(trail, end))
        return ends

    def summary(self) -> dict[str, Any]:
        """How many edits of each kind there are."""
        return {
            "changed items": len(self.changes),
            "merged items": len(self.merges),
            "excluded items": len(self.exclude_items),
            "excluded users": len(self.exclude_users),
        }


def _refuse_repeats(ids: list[str], what: str) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise ValueError(f"item {one!r} {what}")
        seen.add(one)
