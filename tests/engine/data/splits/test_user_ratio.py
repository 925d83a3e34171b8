from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.draw import drawing_order
from engine.data.specs import SplitSpec
from engine.data.splits import make_split
from engine.data.version import Version
from engine.errors import DataError
from tests.engine.data.builders import Row, version_of
from tests.engine.data.splits.brute import ROWS, Event, Fate, check, made


@settings(max_examples=50, deadline=None)
@given(ROWS, st.integers(1, 4), st.integers(1, 4), st.integers(0, 5))
def test_held_out_users_are_in_no_other_part(rows: list[Row], validating: int, testing: int, seed: int) -> None:
    spec = SplitSpec(kind="user-ratio", valid_users=validating / 10, test_users=testing / 10, seed=seed)
    found = made(rows, spec)
    users = sorted(found.users)
    tests, validates = (max(1, round(share / 10 * len(users))) for share in (testing, validating))
    if tests + validates >= len(users):
        assert "none is left" in found.problem
        return
    order = [users[place] for place in drawing_order(users, seed)]

    def fate(events: list[Event], user: str) -> Fate:
        items = [event.item for event in events]
        place = order.index(user)
        if place >= tests + validates:
            return Fate(items)
        last = (items[:-1], items[-1])
        tied = len(events) > 1 and events[-1].time == events[-2].time
        return Fate([], test=last, tied=tied) if place < tests else Fate([], valid=last)

    if check(found, fate):
        split = found.split
        assert split is not None
        assert not set(split.targets("valid")[0]) & set(split.targets("test")[0])
        held_out = np.concatenate([split.targets(part)[0] for part in ("valid", "test")])  # type: ignore[arg-type]
        assert not split.train.lengths[held_out].any()


@pytest.fixture
def version(tmp_path: Path) -> Version:
    return version_of([(f"u{user}", item, time) for user in range(40) for time, item in enumerate("abcd")], tmp_path / "v")


def test_the_seed_draws_the_users(version: Version) -> None:
    one, again, other = (make_split(version, SplitSpec(kind="user-ratio", seed=seed)) for seed in (0, 0, 1))
    assert one.hash == again.hash
    assert one.hash != other.hash
    assert one.name == "user-ratio (4 users validate, 4 test)"
    assert one.targets("test")[0].tolist() != other.targets("test")[0].tolist()


def test_more_test_users_take_none_from_the_test(version: Version) -> None:
    few, many = (make_split(version, SplitSpec(kind="user-ratio", test_users=share)) for share in (0.1, 0.3))
    assert set(few.targets("test")[0]) < set(many.targets("test")[0])
    assert few.hash != many.hash


def test_too_few_users_are_refused(tmp_path: Path) -> None:
    version = version_of([("u", "a", 1), ("v", "a", 1), ("v", "b", 2)], tmp_path / "v")
    with pytest.raises(DataError, match="2 users are too few"):
        make_split(version, SplitSpec(kind="user-ratio"))


def test_nobody_with_a_history_is_refused(tmp_path: Path) -> None:
    version = version_of([(f"u{user}", "a", 1) for user in range(10)], tmp_path / "v")
    with pytest.raises(DataError, match=r"nobody to validate on: 1 have a target, but nothing before it"):
        make_split(version, SplitSpec(kind="user-ratio"))
