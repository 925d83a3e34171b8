"""``user-ratio``: some users are not trained on at all, as those who will come tomorrow."""

import numpy as np

from engine.data.draw import drawing_order
from engine.data.sequences import offsets_of
from engine.data.specs import SplitSpec
from engine.data.split import Split, require_users
from engine.data.splits.held_out import HeldOut, split_of
from engine.data.splits.registry import register_split
from engine.data.version import Version
from engine.errors import DataError

_TRAINS, _VALIDATES, _TESTS = range(3)


def user_ratio(version: Version, spec: SplitSpec) -> Split:
    """Users who validate, users who test, and all others, who alone are trained on: no user is in two parts.

    Who is drawn depends on the ids and the seed alone (see :func:`engine.data.draw.drawing_order`). The target of a user who is
    held out is the last item, the history is all before it.

    Raises:
        DataError: there are too few users for the shares, or nobody of a part has two interactions.
    """
    users = require_users(version)
    testing, validating = (max(1, round(share * users)) for share in (spec.test_users, spec.valid_users))
    if testing + validating >= users:
        raise DataError(
            f"{users} users are too few for split.kind user-ratio: {validating} validate and {testing} test, none is left.",
            "Choose leave-one-out, or add users.",
        )
    order = drawing_order(version.users, spec.seed)
    role = np.full(users, _TRAINS)
    role[order[:testing]] = _TESTS
    role[order[testing : testing + validating]] = _VALIDATES
    role_of_row = role[version.user]
    last = offsets_of(version.user, users)[1:] - 1
    held = HeldOut(
        train=role_of_row == _TRAINS,
        known={"valid": role_of_row != _TESTS, "test": np.ones(len(role_of_row), bool)},
        targets={"valid": np.where(role == _VALIDATES, last, -1), "test": np.where(role == _TESTS, last, -1)},
        rivals=role_of_row == _TESTS,
    )
    details, hint = f"{validating:,} users validate, {testing:,} test", "Hold out more users, or add longer histories."
    return split_of(version, "user-ratio", held, details, hint)


register_split("user-ratio", user_ratio)
