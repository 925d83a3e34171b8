"""``imported``: the data say themselves which interaction is for what."""

import numpy as np

from engine.data.parts import TEST, TRAIN, VALID
from engine.data.specs import SplitSpec
from engine.data.split import Split, require_users
from engine.data.splits.held_out import HeldOut, Rows, first_rows, split_of
from engine.data.splits.registry import register_split
from engine.data.version import Version
from engine.errors import DataError


def imported(version: Version, spec: SplitSpec) -> Split:
    """Rows called ``train`` are trained on; a user's first ``valid`` row and first ``test`` row are the targets.

    The history is what stands before the target in the user's order: training rows, for the test validation rows too. Further
    rows of a held-out part are neither trained on nor asked for.

    Raises:
        DataError: the version holds no split, or a part has nobody.
    """
    require_users(version)
    part = version.part
    if part is None:
        raise DataError(
            "split.kind is imported, but the data hold no split.",
            "Give the interactions a column `split` with train, valid or test, and prepare them again; or choose another kind.",
        )
    held = HeldOut(
        train=part == TRAIN,
        known={"valid": part == TRAIN, "test": part != TEST},
        targets={"valid": first_rows(version, part == VALID), "test": first_rows(version, part == TEST)},
        rivals=part == TEST,
    )
    hint = "In the column `split`, call some rows of users with a history train, valid and test."
    return split_of(version, "imported", held, "", hint, _notices(version, held.targets["test"]))


def _notices(version: Version, targets: Rows) -> tuple[str, ...]:
    part, tested = version.part, targets >= 0
    notices = []
    several = int((np.bincount(version.user[part == TEST]) > 1).sum())
    if several:
        notices.append(f"Of the {int(tested.sum()):,} users with test rows {several:,} have several: the first is the target.")
    end = np.where(tested, targets, len(version.user))
    late = (part == TRAIN) & (np.arange(len(version.user)) > end[version.user])
    if late.any():
        users = len(np.unique(version.user[late]))
        notices.append(
            f"The imported split trains on {int(late.sum()):,} interactions of {users:,} users that come after the user's test "
            "target: methods learn what they could not have known."
        )
    return tuple(notices)


register_split("imported", imported)
