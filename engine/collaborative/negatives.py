"""Negatives for losses over pairs: items that the user does not know."""

import numpy as np
from numpy.typing import NDArray

from engine.data.sequences import Sequences, offsets_of


class NegativeSampler:
    """Draws, uniformly, items that a user has no training interaction with.

    Args:
        train: training items of each user.
        items: size of the catalogue.
    """

    def __init__(self, train: Sequences, items: int) -> None:
        self.items = items
        known = np.unique(np.repeat(np.arange(len(train)), train.lengths) * items + train.items)
        users = known // items
        self._offsets = offsets_of(users.astype(np.int32), len(train))
        # The r-th unknown item of a user is r plus the number of known items a_0 < a_1 < ... with a_n - n <= r.
        self._gaps = users * (items + 1) + known % items - (np.arange(len(known)) - self._offsets[users])

    def draw(self, users: NDArray[np.int64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """`users x count` item indexes; a user who knows the whole catalogue gets any items."""
        starts = self._offsets[users]
        unknown = self.items - (self._offsets[users + 1] - starts)
        all_known = unknown == 0
        place = generator.integers(0, np.where(all_known, self.items, unknown)[:, None], size=(len(users), count))
        before = np.searchsorted(self._gaps, users[:, None] * (self.items + 1) + place, side="right") - starts[:, None]
        drawn: NDArray[np.int64] = np.where(all_known[:, None], place, place + before)
        return drawn
