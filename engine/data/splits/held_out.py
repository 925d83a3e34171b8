"""From what a kind of split decides, row by row, to the split: histories, ties, hash, and the checks that all kinds share."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.data.split import Held, Split, rows_of_users
from engine.data.version import Version
from engine.errors import DataError

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a kind of split decides about the rows of a version.

    Attributes:
        train: bool, `interactions`: what may be learned from.
        known: for both parts, bool, `interactions`: what may stand in a history there, if it comes before the target.
        targets: for both parts, int64, `users`: the row of the user's target; -1: the user has none.
        rivals: bool, `interactions`: rows that may be test targets; of those with the same user and time, file order chose.
    """

    train: Mask
    known: dict[Held, Mask]
    targets: dict[Held, Rows]
    rivals: Mask


def split_of(version: Version, kind: str, held: HeldOut, details: str, hint: str, notices: tuple[str, ...] = ()) -> Split:
    """The split. Targets that have nothing before them are left out, and a notice says how many.

    Args:
        details: see :class:`engine.data.split.Split`.
        hint: what to do where too little is left.

    Raises:
        DataError: there is nothing to train on, or nobody to validate on or to test.
    """
    if not held.train.any():
        raise DataError(f"The split ({kind}) leaves nothing to train on.", hint)
    before, targets, bare = {}, {}, {}
    rows = np.arange(len(version.user))
    for part in _PARTS:
        target = held.targets[part]
        end = np.where(target < 0, len(rows), target)
        before[part] = rows_of_users(version, held.known[part] & (rows < end[version.user]))
        without = (target >= 0) & (before[part].lengths == 0)
        bare[part] = int(without.sum())
        targets[part] = np.where(without, -1, target)
        if not (targets[part] >= 0).any():
            raise DataError(f"The split ({kind}) leaves nobody to {_VERBS[part]}{_why(bare[part])}.", hint)
    return Split(
        kind=kind,
        hash=_hash(kind, version.hash, held.train, targets),
        train=rows_of_users(version, held.train),
        valid=_items(version, targets["valid"]),
        test=_items(version, targets["test"]),
        ties=_ties(version, held.rivals, targets["test"]),
        before=before,
        details=details,
        notices=(*notices, *_bare_notices(bare)),
    )


def first_rows(version: Version, chosen: Mask) -> Rows:
    """The first of the ``chosen`` rows (`interactions`) of each user: int64, `users`; -1 where the user has none."""
    rows = np.flatnonzero(chosen)
    users, first = np.unique(version.user[rows], return_index=True)
    found = np.full(len(version.users), -1, np.int64)
    found[users] = rows[first]
    return found


_PARTS: tuple[Held, Held] = ("valid", "test")
_VERBS: dict[Held, str] = {"valid": "validate on", "test": "test"}


def _why(bare: int) -> str:
    return f": {bare:,} have a target, but nothing before it" if bare else ""


def _bare_notices(bare: dict[Held, int]) -> list[str]:
    told = [f"{count:,} of the {'validation' if part == 'valid' else part}" for part, count in bare.items() if count]
    if not told:
        return []
    return [f"Users whose target has nothing before it are not evaluated: {' and '.join(told)}."]


def _items(version: Version, rows: Rows) -> npt.NDArray[np.int32]:
    return np.where(rows >= 0, version.item[rows], -1).astype(np.int32)


def _ties(version: Version, rivals: Mask, targets: Rows) -> int:
    user, time = version.user, version.timestamp
    moment = np.zeros(len(user), np.int64)
    np.cumsum((user[1:] != user[:-1]) | (time[1:] != time[:-1]), out=moment[1:])
    together = np.bincount(moment[rivals], minlength=int(moment[-1]) + 1)
    return int((together[moment[targets[targets >= 0]]] > 1).sum())


def _hash(kind: str, version: str, train: Mask, targets: dict[Held, Rows]) -> str:
    """Of what the settings led to, not of the settings: two ways to say the same split have one hash."""
    digest = hashlib.sha256(f"darec-lab split 2\n{kind}\n{version}\n".encode())
    digest.update(len(train).to_bytes(8, "little") + np.packbits(train).tobytes())
    for part in _PARTS:
        digest.update(len(targets[part]).to_bytes(8, "little") + targets[part].astype("<i8").tobytes())
    return digest.hexdigest()
