"""Slices of the evaluated users: by how often their target was seen in training, and by the length of their history. No torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data.split import Held, Split
from engine.errors import UserError
from engine.evaluation.intervals import mean_intervals
from engine.evaluation.metrics import per_user
from engine.result import SliceLine

SLICE_CUTOFF = 10


@dataclass(frozen=True)
class Slice:
    """Users whose number lies within bounds.

    Attributes:
        of: ``items``: the number is the target's count of training interactions; ``users``: the length of the history.
        low, high: inclusive; ``high`` None has no end.
    """

    of: str
    name: str
    low: int
    high: int | None

    @property
    def key(self) -> str:
        """How people name it: ``items/tail``."""
        return f"{self.of}/{self.name}"

    @property
    def bounds(self) -> str:
        """In words: ``10-29``, ``30+``, ``0``."""
        if self.high is None:
            return f"{self.low}+"
        return f"{self.low}" if self.low == self.high else f"{self.low}-{self.high}"


SLICES = (
    Slice("items", "new", 0, 0),
    Slice("items", "tail", 1, 9),
    Slice("items", "mid", 10, 29),
    Slice("items", "head", 30, None),
    Slice("users", "short", 1, 5),
    Slice("users", "middle", 6, 20),
    Slice("users", "long", 21, None),
)


def slice_users(split: Split, name: Held) -> dict[str, NDArray[np.int32]]:
    """The users of each slice by its key, among those that have a target in ``name``; counts are over training rows only."""
    users, targets = split.targets(name)
    items = max(int(split.train.items.max(initial=-1)), int(targets.max(initial=-1))) + 1
    numbers = {
        "items": np.bincount(split.train.items, minlength=items)[targets],
        "users": np.array([len(split.history(int(user), name)) for user in users], dtype=np.int64),
    }
    return {part.key: users[_within(numbers[part.of], part)] for part in SLICES}


def users_of_slice(split: Split, name: Held, key: str) -> NDArray[np.int32]:
    """The users of the slice called ``key``; raises UserError that lists those that exist."""
    found = slice_users(split, name)
    if key not in found:
        raise UserError(f"There is no slice {key!r}.", f"Slices: {', '.join(found)}.")
    return found[key]


def slice_lines(split: Split, name: Held, users: NDArray[np.int32], ranks: NDArray[np.float64]) -> list[SliceLine]:
    """NDCG@10 and HR@10 of each slice with intervals, in the order of ``SLICES``; without metrics where it has no user.

    Args:
        users: `n`, those evaluated.
        ranks: `n`, 0-based mid-ranks of their targets.
    """
    members = slice_users(split, name)
    return [_line(part, ranks[np.isin(users, members[part.key])]) for part in SLICES]


def _line(part: Slice, ranks: NDArray[np.float64]) -> SliceLine:
    values = {f"{name}@{SLICE_CUTOFF}": per_user(name, ranks, SLICE_CUTOFF) for name in ("ndcg", "hr")}
    metrics = {name: float(value.mean()) for name, value in values.items()} if len(ranks) else {}
    intervals = mean_intervals(ranks, values)
    return SliceLine(of=part.of, name=part.name, bounds=part.bounds, users=len(ranks), metrics=metrics, intervals=intervals)


def _within(numbers: NDArray[np.int64], part: Slice) -> NDArray[np.bool_]:
    return (numbers >= part.low) & (numbers <= (np.inf if part.high is None else part.high))
