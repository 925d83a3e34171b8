"""The register of kinds of splits."""

from collections.abc import Callable

from engine.data.specs import SplitSpec
from engine.data.split import Split
from engine.data.version import Version
from engine.registry import Registry

Splitter = Callable[[Version, SplitSpec], Split]
"""Splits a version by the settings of its kind; raises DataError where these data cannot be split so."""

SPLITS: Registry[Splitter] = Registry("split")


def register_split(name: str, splitter: Splitter) -> Splitter:
    """Add the kind ``name``, which ``SplitSpec.kind`` offers too. Raises ValueError for a name that is taken or malformed."""
    return SPLITS.register(name, splitter)
