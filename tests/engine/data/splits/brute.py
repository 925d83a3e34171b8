"""Splits the slow way: user by user, in plain lists."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from engine.data.raw import Time
from engine.data.specs import SplitSpec
from engine.data.split import Split
from engine.data.splits import make_split
from engine.data.version import Version
from engine.errors import DataError
from tests.engine.data.builders import Row, version_of


@dataclass
class Event:
    """One interaction, its item by index."""

    item: int
    time: int
    part: str = ""


@dataclass
class Fate:
    """What becomes of one user: training items, and for each part the history and the target, if there is one."""

    train: list[int]
    valid: tuple[list[int], int] | None = None
    test: tuple[list[int], int] | None = None
    tied: bool = False


@dataclass
class Made:
    """A version that is gone from the disk already, its users' events, and how it was split, or why it was not."""

    version: Version
    users: dict[str, list[Event]] = field(default_factory=dict)
    split: Split | None = None
    problem: str = ""


def made(rows: Sequence[Row], spec: SplitSpec, time: Time = "real", parts: Sequence[str] | None = None) -> Made:
    with tempfile.TemporaryDirectory() as folder:
        version = version_of(rows, Path(folder) / "v", time=time, parts=parts)
    found = Made(version)
    for row, user in enumerate(version.user):
        part = "" if version.part is None else ("train", "valid", "test")[version.part[row]]
        event = Event(int(version.item[row]), int(version.timestamp[row]), part)
        found.users.setdefault(version.users[user], []).append(event)
    try:
        found.split = make_split(version, spec)
    except DataError as error:
        found.problem = error.message
    return found


def check(found: Made, fate: Callable[[list[Event], str], Fate]) -> bool:
    """Whether there is a split; it must be what ``fate`` says of each user, or refused where that leaves a part to nobody."""
    fates = [fate(events, user) for user, events in found.users.items()]
    bare = 0
    for one in fates:
        for part in ("valid", "test"):
            target = getattr(one, part)
            if target is not None and not target[0]:
                setattr(one, part, None)
                bare += 1
    possible = any(one.train for one in fates) and any(one.valid for one in fates) and any(one.test for one in fates)
    assert (found.split is not None) == possible, found.problem
    if found.split is None:
        return False
    split = found.split
    assert [sequence.tolist() for sequence in split.train] == [one.train for one in fates]
    for part, held in (("valid", split.valid), ("test", split.test)):
        targets = [getattr(one, part) for one in fates]
        assert held.tolist() == [-1 if target is None else target[1] for target in targets]
        for user, target in enumerate(targets):
            if target is not None:
                assert split.history(user, part).tolist() == target[0]  # type: ignore[arg-type]
    assert split.ties == sum(one.tied and one.test is not None for one in fates)
    assert any("nothing before it" in notice for notice in split.notices) == bool(bare)
    assert split.train.items.dtype == split.valid.dtype == split.test.dtype == np.int32
    return True


ROWS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("pqrstu"), st.integers(0, 12)), min_size=4, max_size=50
).filter(lambda rows: len({user for user, _, _ in rows}) >= 2)
