"""Kinds of splits, one file each. Importing this package registers them all.

A new kind is one file here with one strict ``register_split`` call, imported below, and a name in ``SplitSpec.kind``.
"""

from engine.data.specs import SplitSpec
from engine.data.split import Split
from engine.data.splits import imported, leave_one_out, temporal, user_ratio
from engine.data.splits.registry import SPLITS, register_split
from engine.data.version import Version

__all__ = ["SPLITS", "imported", "leave_one_out", "make_split", "register_split", "temporal", "user_ratio"]


def make_split(version: Version, spec: SplitSpec) -> Split:
    """Split ``version`` as ``spec`` says.

    Raises:
        DataError: these data cannot be split so: nobody would be left to train on, to validate on or to test.
    """
    return SPLITS.get(spec.kind)(version, spec)
