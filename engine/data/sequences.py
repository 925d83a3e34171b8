"""The items of each user in order, as one flat array."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Sequences:
    """One sequence a user.

    Attributes:
        offsets: int64, `users + 1`; user ``u`` owns ``items[offsets[u] : offsets[u + 1]]``.
        items: int32, all sequences one after the other.
    """

    offsets: npt.NDArray[np.int64]
    items: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, user: int) -> npt.NDArray[np.int32]:
        """The items of ``user`` (0 to ``users - 1``), oldest first: a view, not a copy."""
        if not 0 <= user < len(self):
            raise IndexError(f"there is no user {user}: users are 0 to {len(self) - 1}")
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Number of items of each user, int64, `users`."""
        return np.diff(self.offsets)


def offsets_of(user: npt.NDArray[np.int32], users: int) -> npt.NDArray[np.int64]:
    """Where each user's rows start, `users + 1`, for ``user`` codes that are sorted."""
    offsets = np.zeros(users + 1, np.int64)
    np.cumsum(np.bincount(user, minlength=users), out=offsets[1:])
    return offsets
