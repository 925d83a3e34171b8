"""Which rows of a version are trained on, and which are the targets, whatever kind the split is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.sequences import offsets_of
from engine.data.split import Split
from engine.data.version import Version


@dataclass(frozen=True, eq=False)
class Sides:
    """A version's rows, told apart by a split.

    Attributes:
        version: the version.
        split: the split of it.
        train: bool, `interactions`: rows that are trained on.
        test: int64, `users`: row of the test target; -1: none, or it is no row of the version.
        valid: int64, `users`: row of the validation target, likewise.
    """

    version: Version
    split: Split
    train: npt.NDArray[np.bool_]
    test: npt.NDArray[np.int64]
    valid: npt.NDArray[np.int64]

    @classmethod
    def of(cls, version: Version, split: Split) -> "Sides":
        """Find the rows of ``split`` in ``version``."""
        train = _training_rows(version, split)
        test = _target_rows(version, split.test, ~train)
        free = ~train
        free[test[test >= 0]] = False
        return cls(version, split, train, test, _target_rows(version, split.valid, free))

    def training_counts(self) -> npt.NDArray[np.int64]:
        """Training rows of each item, `items`."""
        return np.bincount(self.version.item[self.train], minlength=self.version.items.height)


def _training_rows(version: Version, split: Split) -> npt.NDArray[np.bool_]:
    offsets = offsets_of(version.user, len(version.users))
    lengths = split.train.lengths
    found = np.zeros(len(version.user), bool)
    if (lengths <= np.diff(offsets)).all():
        # Most splits train on the first rows of each user: then no row has to be looked up.
        rows = np.arange(len(split.train.items)) + np.repeat(offsets[:-1] - split.train.offsets[:-1], lengths)
        if np.array_equal(version.item[rows], split.train.items):
            found[rows] = True
            return found
    all_rows = pl.DataFrame({"user": version.user, "item": version.item}).with_row_index("row")
    users = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    trained = pl.DataFrame({"user": users, "item": split.train.items})
    # A pair that a user has several times is found as often as it is trained on.
    nth = pl.int_range(pl.len()).over("user", "item").alias("nth")
    kept = all_rows.with_columns(nth).join(trained.with_columns(nth), on=["user", "item", "nth"], how="semi")
    found[kept["row"].to_numpy()] = True
    return found


def _target_rows(version: Version, targets: npt.NDArray[np.int32], free: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The last free row of each user that holds the target."""
    rows = np.flatnonzero(free & (version.item == targets[version.user]))
    found = np.full(len(targets), -1, np.int64)
    # Of several rows of a user the last one stays.
    found[version.user[rows]] = rows
    return found
