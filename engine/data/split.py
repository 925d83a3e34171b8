"""What a split is, and the one that stands where nothing else is asked for. The other kinds are in ``engine.data.splits``."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.data.sequences import Sequences, offsets_of
from engine.data.statistics import repeat_share
from engine.data.version import Version
from engine.errors import DataError

Held = Literal["valid", "test"]
NEEDED = 3
"""Interactions that a user needs under leave-one-out: one to learn from, one for validation, one for the test."""
KEEP_SEEN_FROM = 0.05
"""From this share of repeated pairs on, ``seen: auto`` keeps the items of the history in the ranking."""


@dataclass(frozen=True, eq=False)
class Split:
    """Who is evaluated on what, and what may be learned from. Nobody is evaluated without a history before the target.

    Attributes:
        kind: name of the split.
        hash: SHA-256, hex. Of leave-one-out: over kind, targets and version hash; of the others over training rows too.
        train: training items of each user, perhaps none; the only rows a method may learn or count from.
        valid: int32, `users`: item of the validation target; -1: the user has none.
        test: int32, `users`: item of the test target; -1: the user has none.
        ties: users with a test target whose time is that of another item that could have been it, so that file order chose.
        before: for both parts the items that come before the target of each user, oldest first; of users without a target,
            all that may be known of them there.
        details: what tells this split from others of its kind, in words for people; empty if nothing does.
        notices: what people should know, one sentence each.
    """

    kind: str
    hash: str
    train: Sequences
    valid: npt.NDArray[np.int32]
    test: npt.NDArray[np.int32]
    ties: int
    before: dict[Held, Sequences]
    details: str = ""
    notices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Kind and details: ``leave-one-out``, ``user-ratio (94 users validate, 95 test)``."""
        return f"{self.kind} ({self.details})" if self.details else self.kind

    def history(self, user: int, split: Held) -> npt.NDArray[np.int32]:
        """The items that come before the target of ``user``, oldest first."""
        return self.before[split][user]

    def targets(self, split: Held) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Users that have a target, in order, and their targets: int32, `evaluated users` each."""
        held = self.test if split == "test" else self.valid
        users = np.flatnonzero(held >= 0).astype(np.int32)
        return users, held[users]


def leave_one_out(version: Version) -> Split:
    """The last item of each user is the test target, the one before it the validation target, all others are for training.

    Users with fewer than 3 interactions give training rows only.

    Raises:
        DataError: there are fewer than 2 users, or no user has 3 interactions.
    """
    users = require_users(version)
    offsets = offsets_of(version.user, users)
    has_targets = np.diff(offsets) >= NEEDED
    if not has_targets.any():
        raise DataError(
            f"No user has the {NEEDED} interactions that a train/validation/test split needs.", "Add longer histories."
        )
    last = offsets[1:][has_targets] - 1
    valid = np.full(users, -1, np.int32)
    test = np.full(users, -1, np.int32)
    valid[has_targets] = version.item[last - 1]
    test[has_targets] = version.item[last]
    known = np.ones(len(version.item), bool)
    known[last] = False
    before_test = rows_of_users(version, known)
    known[last - 1] = False
    train = rows_of_users(version, known)
    ties = int((version.timestamp[last] == version.timestamp[last - 1]).sum())
    kind = "leave-one-out"
    digest = _targets_hash(kind, version.hash, valid, test)
    return Split(kind, digest, train, valid, test, ties, {"valid": train, "test": before_test})


def require_users(version: Version) -> int:
    """The number of users; raises DataError if there are fewer than the 2 that training needs."""
    users = len(version.users)
    if users < 2:
        raise DataError(
            f"{users} user{'' if users == 1 else 's'}; at least 2 are needed to train.", "Add the interactions of more users."
        )
    return users


def rows_of_users(version: Version, chosen: npt.NDArray[np.bool_]) -> Sequences:
    """The items of the ``chosen`` interactions (`interactions`), by user."""
    return Sequences(offsets_of(version.user[chosen], len(version.users)), version.item[chosen])


def seen_rule(version: Version, setting: Literal["auto", "remove", "keep"]) -> Literal["remove", "keep"]:
    """What happens to the items of the history in a ranking.

    ``auto`` keeps them if 5 % or more of the interactions repeat an earlier pair of the same user, else removes them.
    """
    if setting != "auto":
        return setting
    return "keep" if repeat_share(version.user, version.item, version.items.height) >= KEEP_SEEN_FROM else "remove"


def _targets_hash(kind: str, version: str, valid: npt.NDArray[np.int32], test: npt.NDArray[np.int32]) -> str:
    digest = hashlib.sha256(f"darec-lab split 1\n{kind}\n{version}\n".encode())
    for targets in (valid, test):
        digest.update(len(targets).to_bytes(8, "little") + targets.astype("<i4").tobytes())
    return digest.hexdigest()
