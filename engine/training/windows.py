"""Cutting training sequences into windows, anew in each epoch, so that every target is supervised once an epoch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data.sequences import Sequences
from engine.errors import DataError

POOL = 32


@dataclass(frozen=True)
class Windows:
    """Windows over training sequences: window w predicts items ``start + 1 .. stop`` of its user from those before.

    Attributes:
        users: `windows`, the user of each.
        starts: `windows`, position in the user's sequence of the window's first input.
        stops: `windows`, position behind its last input (the last target's position).
    """

    users: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.users)

    def take(self, index: NDArray[np.int64]) -> "Windows":
        """The windows at ``index``, in that order."""
        return Windows(self.users[index], self.starts[index], self.stops[index])


def epoch_generator(seed: int, stage: int, epoch: int) -> np.random.Generator:
    """The source of chance of one epoch: equal for equal arguments, on every attempt."""
    return np.random.default_rng([seed, stage, epoch])


def cut_windows(sequences: Sequences, length: int, generator: np.random.Generator) -> Windows:
    """Cut each sequence into windows of at most ``length`` inputs, the first one of random length (jittered starts), shuffled.

    Raises DataError if no sequence has two items.
    """
    users, starts, stops = [], [], []
    inputs = np.diff(sequences.offsets) - 1
    jitter = generator.integers(1, length + 1, size=len(inputs))
    for user in np.flatnonzero(inputs > 0):
        n = int(inputs[user])
        first = int(jitter[user]) if n > length else n
        edges = np.unique(np.concatenate([[0], np.arange(first, n, length), [n]]))
        users.append(np.full(len(edges) - 1, user, dtype=np.int64))
        starts.append(edges[:-1].astype(np.int64))
        stops.append(edges[1:].astype(np.int64))
    if not users:
        raise DataError(
            "No user has 2 training interactions, so there is no next item to learn from.",
            "Under leave-one-out a user with 4 interactions has 2 for training; upload longer histories, or hold out less.",
        )
    windows = Windows(np.concatenate(users), np.concatenate(starts), np.concatenate(stops))
    return windows.take(generator.permutation(len(windows)))


def by_length(windows: Windows, size: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
    """Batches of at most ``size`` windows of about equal length, in random order: the rows of each within ``windows``.

    Windows, shuffled before, are sorted within pools of ``POOL`` batches only, so that batches still change from epoch to epoch.
    """
    lengths = windows.stops - windows.starts
    batches = []
    for start in range(0, len(windows), POOL * size):
        pool = np.arange(start, min(start + POOL * size, len(windows)))
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[first : first + size] for first in range(0, len(pool), size)]
    return [batches[index] for index in generator.permutation(len(batches))]


def pad_right(rows: list[NDArray[np.int32]], length: int, padding: int) -> NDArray[np.int64]:
    """`rows x length`: each row's values, then ``padding``."""
    table = np.full((len(rows), length), padding, dtype=np.int64)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table
