from pathlib import Path

import numpy as np
import pytest

from engine.data.split import Split, leave_one_out
from engine.errors import UserError
from engine.evaluation.slices import SLICES, slice_lines, slice_users, users_of_slice
from tests.engine.conftest import write_version


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """The targets: of `fan` b, which 29 others read in training; of the others a new item of their own, of `late` b too."""
    rows = [(f"u{number:02d}", item, time) for number in range(29) for time, item in enumerate(["a", "b", "a", f"new{number}"])]
    rows += [("fan", "a", time) for time in range(25)] + [("fan", "b", 25)]
    rows += [("late", "c", time) for time in range(7)] + [("late", "b", 8), ("late", "c", 9), ("late", "b", 10)]
    return leave_one_out(write_version(tmp_path, rows))


def test_counts_are_over_training_rows(split: Split) -> None:
    members = slice_users(split, "test")
    assert len(members["items/new"]) == 29  # the others' new items
    assert len(members["items/head"]) == 2  # b has 29 + 1 training rows
    assert len(members["items/tail"]) == len(members["items/mid"]) == 0


def test_histories_are_those_of_the_test(split: Split) -> None:
    members = slice_users(split, "test")
    assert [len(members[f"users/{name}"]) for name in ("short", "middle", "long")] == [29, 1, 1]
    assert len(split.history(int(members["users/long"][0]), "test")) == 25


def test_every_user_is_in_one_slice_of_each_kind(split: Split) -> None:
    users, _ = split.targets("test")
    members = slice_users(split, "test")
    for kind in ("items", "users"):
        together = np.concatenate([members[part.key] for part in SLICES if part.of == kind])
        assert sorted(together) == users.tolist()


def test_lines_add_up_to_the_whole(split: Split) -> None:
    users, _ = split.targets("test")
    ranks = np.random.default_rng(0).integers(0, 20, len(users)).astype(np.float64)
    lines = slice_lines(split, "test", users, ranks)
    assert [line.bounds for line in lines] == ["0", "1-9", "10-29", "30+", "1-5", "6-20", "21+"]
    for kind in ("items", "users"):
        parts = [line for line in lines if line.of == kind]
        assert sum(line.users for line in parts) == len(users)
        hits = sum(line.users * line.metrics["hr@10"] for line in parts if line.users)
        assert hits == pytest.approx((ranks < 10).sum())
    assert all((line.metrics == {}) == (line.users == 0) for line in lines)


def test_a_slice_by_name(split: Split) -> None:
    assert len(users_of_slice(split, "test", "items/head")) == 2
    with pytest.raises(UserError, match="no slice 'head'"):
        users_of_slice(split, "test", "head")
