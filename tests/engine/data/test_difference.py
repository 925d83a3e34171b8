from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.data.difference import Difference, difference
from engine.data.prepare import prepare
from engine.data.version import Version
from engine.spec import FilterSpec
from tests.engine.data.builders import raw_data, version_of

ROWS = [("u1", "a", 1), ("u1", "b", 2), ("u1", "c", 3), ("u2", "a", 1), ("u2", "b", 2), ("u3", "c", 9)]


def with_texts(folder: Path, **columns: list[object]) -> Version:
    raw = raw_data(ROWS)
    items = raw.items.with_columns(pl.Series(name, cells) for name, cells in columns.items())
    return prepare(replace(raw, items=items), FilterSpec(core=0), folder)


def test_a_version_does_not_differ_from_itself(tmp_path: Path) -> None:
    version = version_of(ROWS, tmp_path / "a")
    found = difference(version, version_of(ROWS, tmp_path / "b"))
    assert found.same
    assert not found.changes
    assert not found.filters
    counts = (
        found.users_gone,
        found.users_new,
        found.items_gone,
        found.items_new,
        found.interactions_gone,
        found.interactions_new,
    )
    assert [part.count for part in counts] == [0] * 6


def test_users_items_and_interactions_of_one_side(tmp_path: Path) -> None:
    other = [("u1", "a", 1), ("u1", "b", 7), ("u2", "a", 1), ("u2", "b", 2), ("u0", "d", 5)]
    found = difference(version_of(ROWS, tmp_path / "a"), version_of(other, tmp_path / "b"))
    assert not found.same
    assert (found.users_gone.count, found.users_gone.samples) == (1, ["u3"])
    assert (found.users_new.count, found.users_new.samples) == (1, ["u0"])
    assert (found.items_gone.samples, found.items_new.samples) == (["c"], ["d"])
    gone = [(row.user, row.item, row.timestamp, row.times) for row in found.interactions_gone.samples]
    assert gone == [("u1", "b", 2, 1), ("u1", "c", 3, 1), ("u3", "c", 9, 1)]
    assert [(row.user, row.item, row.timestamp) for row in found.interactions_new.samples] == [("u0", "d", 5), ("u1", "b", 7)]
    assert (found.interactions_gone.count, found.interactions_new.count) == (3, 2)
    assert (found.counts_before.interactions, found.counts_after.interactions) == (6, 5)
    assert Difference.model_validate_json(found.model_dump_json()) == found


def test_equal_rows_are_counted(tmp_path: Path) -> None:
    before, after = version_of(ROWS, tmp_path / "a"), version_of([*ROWS, ("u1", "a", 4)], tmp_path / "b")
    # As if it had come with milliseconds: two rows that are equal to the second.
    after.timestamp[after.timestamp == 4] = 1
    after.item[:4] = [0, 0, 1, 2]
    after.timestamp[:4] = [1, 1, 2, 3]
    found = difference(before, after)
    assert (found.interactions_gone.count, found.interactions_new.count) == (0, 1)
    assert (found.interactions_new.samples[0].item, found.interactions_new.samples[0].times) == ("a", 1)
    assert difference(after, before).interactions_gone.count == 1


def test_changed_texts_and_columns(tmp_path: Path) -> None:
    before = with_texts(tmp_path / "a", title=["A", "B", "C"], categories=[["x"], ["x", "y"], []], brand=["p", "", ""])
    after = with_texts(tmp_path / "b", title=["A", "B!", "C" * 400], categories=[["x"], ["y", "x"], []], size=["1", "", ""])
    found = difference(before, after)
    assert (found.columns_gone, found.columns_new) == (["brand"], ["size"])
    assert [(change.column, change.count) for change in found.changes] == [("title", 2), ("categories", 1)]
    first, second = found.changes[0].samples
    assert (first.item, first.before, first.after) == ("b", "B", "B!")
    assert len(second.after) == 300
    assert found.changes[1].samples[0].after == "y | x"
    assert found.interactions_gone.count == found.interactions_new.count == 0


def test_filters(tmp_path: Path) -> None:
    raw = raw_data(ROWS)
    before = prepare(raw, FilterSpec(core=0), tmp_path / "a")
    after = prepare(raw, FilterSpec(core=2, exclude_users=("u3",)), tmp_path / "b")
    found = {change.name: (change.before, change.after) for change in difference(before, after).filters}
    assert found.keys() == {"exclude-users", "k-core"}
    assert found["k-core"] == (None, {"core": 2})


def test_no_more_than_twenty_samples(tmp_path: Path) -> None:
    many = [(f"u{user:02}", f"i{user:02}", 1) for user in range(50)]
    found = difference(version_of(many, tmp_path / "a"), version_of(ROWS, tmp_path / "b"))
    assert (found.users_gone.count, found.items_gone.count, found.interactions_gone.count) == (50, 50, 50)
    assert len(found.users_gone.samples) == len(found.items_gone.samples) == len(found.interactions_gone.samples) == 20


def test_rows_that_are_too_many_for_one_number(tmp_path: Path) -> None:
    users = [(f"u{number:04}", f"i{number % 1000:04}", 10**11 - number) for number in range(3000)]
    before, after = version_of([*users, ("v", "a", 1)], tmp_path / "a"), version_of([*users, ("v", "b", 1)], tmp_path / "b")
    after.weight[:] = before.weight[:] = [1 + number % 1000 / 8 for number in range(len(after.weight))]
    found = difference(before, after)
    assert 3001 * 1001 * 1000 * 10**11 > 2**63
    assert [(row.user, row.item, row.timestamp) for row in found.interactions_gone.samples] == [("v", "a", 1)]
    assert [(row.user, row.item, row.timestamp) for row in found.interactions_new.samples] == [("v", "b", 1)]
