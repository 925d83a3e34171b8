"""Small worlds whose truth is known, and how one becomes a version."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.data.version import Version
from tests.engine.conftest import write_version

BEGIN = 1_500_000_000
Row = tuple[str, str, int]
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron")


def item_id(item: int) -> str:
    """Two digits at least, so that ids stand in the order of their numbers."""
    return f"i{item:03}"


def rows_of(lists: Sequence[Sequence[int]], step: int = 86_400) -> list[Row]:
    """User u000 took the items of the first list, one each day, and so on; the users' days begin at moments of their own."""
    return [
        (f"u{user:03}", item_id(item), BEGIN + user * 977 + place * step)
        for user, items in enumerate(lists)
        for place, item in enumerate(items)
    ]


def titles_of(items: int) -> dict[str, str]:
    """A title for each item, of two words that several share."""
    return {item_id(item): f"{WORDS[item % 8]} {WORDS[item // 8 % 8]} {item}" for item in range(items)}


def version_of(folder: Path, rows: Sequence[Row], items: int, titles: dict[str, str] | None = None) -> Version:
    """The version of ``rows``; its catalogue is all of ``items``, whoever takes them."""
    return write_version(folder, list(rows), titles or titles_of(items))


def mixed(seed: int, users: int, items: int, length: int) -> list[list[int]]:
    """Histories half of which go on along a ring, so that there is something to learn, and half of which jump; no repeats."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(users):
        taken = [int(generator.integers(items))]
        wanted = int(generator.integers(length - 3, length + 1))
        while len(taken) < wanted:
            following = (taken[-1] + 1) % items if generator.random() < 0.5 else int(generator.integers(items))
            if following not in taken:
                taken.append(following)
        found.append(taken)
    return found
