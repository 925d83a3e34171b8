from pathlib import Path

import pytest

from engine.data.split import leave_one_out, seen_rule
from engine.errors import DataError
from tests.engine.data.builders import Row, version_of

ROWS: list[Row] = [
    *(("u1", item, time) for time, item in enumerate("abcd")),
    ("u2", "a", 1),
    ("u2", "b", 2),
    *(("u3", item, time) for time, item in enumerate("dca")),
]


def test_the_last_two_items_are_held_out(tmp_path: Path) -> None:
    split = leave_one_out(version_of(ROWS, tmp_path / "v"))
    assert [sequence.tolist() for sequence in split.train] == [[0, 1], [0, 1], [3]]
    assert split.valid.tolist() == [2, -1, 2]
    assert split.test.tolist() == [3, -1, 0]
    assert (split.kind, split.ties) == ("leave-one-out", 0)


def test_targets_are_those_of_users_who_have_one(tmp_path: Path) -> None:
    split = leave_one_out(version_of(ROWS, tmp_path / "v"))
    assert [part.tolist() for part in split.targets("valid")] == [[0, 2], [2, 2]]
    assert [part.tolist() for part in split.targets("test")] == [[0, 2], [3, 0]]


def test_the_history_of_the_test_includes_the_validation_item(tmp_path: Path) -> None:
    split = leave_one_out(version_of(ROWS, tmp_path / "v"))
    assert split.history(0, "valid").tolist() == [0, 1]
    assert split.history(0, "test").tolist() == [0, 1, 2]
    assert split.history(1, "test").tolist() == [0, 1]
    assert split.history(0, "test").dtype == split.train.items.dtype


def test_ties_of_the_last_item_are_counted(tmp_path: Path) -> None:
    rows = [
        ("u1", "a", 1),
        ("u1", "b", 5),
        ("u1", "c", 5),
        ("u2", "a", 5),
        ("u2", "b", 5),
        ("u2", "c", 6),
        ("u3", "a", 7),
        ("u3", "b", 7),
    ]
    split = leave_one_out(version_of(rows, tmp_path / "v"))
    assert split.ties == 1
    assert split.test.tolist() == [2, 2, -1]


def test_the_hash_tells_targets_and_versions_apart(tmp_path: Path) -> None:
    first = leave_one_out(version_of(ROWS, tmp_path / "a"))
    assert first.hash == leave_one_out(version_of(ROWS, tmp_path / "b")).hash
    assert first.hash != leave_one_out(version_of([*ROWS, ("u2", "c", 3)], tmp_path / "c")).hash
    # The same targets, but another training row: another version, hence another split.
    assert first.hash != leave_one_out(version_of([("u1", "d", 0), *ROWS], tmp_path / "d")).hash


def test_nobody_with_three_interactions_is_refused(tmp_path: Path) -> None:
    rows = [(f"u{number}", "a", number) for number in range(30)]
    with pytest.raises(DataError, match=r"No user has the 3 interactions that a train/validation/test split needs"):
        leave_one_out(version_of(rows, tmp_path / "v"))


@pytest.mark.parametrize(("repeats", "rule"), [(0, "remove"), (1, "keep")])
def test_seen_items_stay_from_five_percent_of_repeats_on(tmp_path: Path, repeats: int, rule: str) -> None:
    rows = [("u1", f"i{number}", number) for number in range(19 - repeats)] + [("u2", "i0", 1)]
    rows += [("u1", "i0", 100 + number) for number in range(repeats)]
    version = version_of(rows, tmp_path / "v")
    assert version.manifest.statistics.repeat_share == pytest.approx(repeats / len(version.user))
    assert seen_rule(version, "auto") == rule
    assert seen_rule(version, "remove") == "remove"
    assert seen_rule(version, "keep") == "keep"
