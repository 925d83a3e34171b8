import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data import write
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.version import Version, read_version
from engine.errors import DataError, UserError
from engine.spec import FilterSpec
from tests.engine.data.builders import raw_data, version_of, write_folder

HEADER = "user_id,item_id,timestamp,rating\n"
LOG = HEADER + "u2,i1,1600000003,5\nu1,i2,1600000002,4\nu1,i1,1600000001,4.1\nu2,i3,1600000009,1\n"
ITEMS = "item_id,title,categories,description\ni1,One,a|b,first\ni2,Two,,\ni3,Three,c,\ni9,Never used,,\n"


def prepared(folder: Path, log: str = LOG, items: str | None = ITEMS, **filters: float) -> Version:
    values = {"core": 0, **filters}
    return prepare(read_raw(write_folder(folder / "raw", log, items)), FilterSpec.model_validate(values), folder / "version")


def test_users_and_items_are_numbered_by_id_and_rows_sorted_by_user_and_time(tmp_path: Path) -> None:
    version = prepared(tmp_path)
    assert version.users == ["u1", "u2"]
    assert version.item_ids == ["i1", "i2", "i3", "i9"]
    assert version.titles == ["One", "Two", "Three", "Never used"]
    assert version.items["index"].to_list() == [0, 1, 2, 3]
    assert version.user.tolist() == [0, 0, 1, 1]
    assert version.item.tolist() == [0, 1, 0, 2]
    assert version.weight.tolist() == pytest.approx([4.1, 4, 5, 1])
    assert [array.dtype for array in (version.user, version.item, version.timestamp, version.weight)] == [
        np.int32,
        np.int32,
        np.int64,
        np.float32,
    ]


def test_the_manifest_tells_what_was_done(tmp_path: Path) -> None:
    log = LOG + "u2,i3,1600000009,1\nu2,i3,1600000009,1\nu3,i1,1600000009,2\n"
    manifest = prepared(tmp_path, log, minimum_rating=3).manifest
    assert [(step.name, step.interactions_removed, step.users_removed) for step in manifest.filters] == [
        ("duplicates", 2, 0),
        ("minimum-rating", 2, 1),
    ]
    assert manifest.counts.model_dump() == {"users": 2, "items": 4, "interactions": 3}
    assert sorted(manifest.sources) == ["interactions.csv", "items.csv"]
    assert manifest.time == "real"
    assert any("2 exact duplicates" in notice for notice in manifest.notices)
    assert manifest.statistics.unused_items == 2


def test_repeats_at_another_time_are_kept(tmp_path: Path) -> None:
    assert prepared(tmp_path, LOG + "u2,i3,1600000010,1\n").counts.interactions == 5


def test_the_k_core_comes_after_the_row_filters_and_drops_unused_items(tmp_path: Path) -> None:
    rows = [f"u{user},i{item},{1_600_000_000 + item},{1 if user == 3 else 5}\n" for user in (1, 2, 3) for item in (1, 2, 3)]
    version = prepared(tmp_path, HEADER + "".join(rows), minimum_rating=2, core=2)
    assert version.users == ["u1", "u2"]
    assert version.item_ids == ["i1", "i2", "i3"]
    core = version.manifest.filters[-1]
    assert (core.name, core.settings, core.items_removed) == ("k-core", {"core": 2}, 1)
    assert "Held-out" in core.note


def test_the_minimum_rating_keeps_ratings_that_are_equal_to_it(tmp_path: Path) -> None:
    assert prepared(tmp_path, minimum_rating=4.1, items=None, log=LOG + "u1,i2,1600000005,4.1\n").counts.interactions == 3


def test_unrated_rows_pass_the_minimum_rating_and_a_log_without_ratings_is_refused(tmp_path: Path) -> None:
    version = prepared(tmp_path / "a", LOG + "u1,i3,1600000099,\n", minimum_rating=4)
    assert version.counts.interactions == 4
    assert version.weight[version.timestamp == 1_600_000_099].tolist() == [1]
    with pytest.raises(DataError, match="no ratings"):
        prepared(tmp_path / "b", HEADER + "u1,i1,5,\nu2,i1,5,\n", minimum_rating=4)


def test_ties_keep_file_order_and_parts_of_seconds_count(tmp_path: Path) -> None:
    rows = [("u1", "b", 5), ("u1", "a", 5), ("u1", "c", 5), ("u0", "z", 9)]
    version = version_of(rows, tmp_path / "v")
    assert [version.item_ids[item] for item in version.sequences()[1]] == ["b", "a", "c"]
    finer = prepared(tmp_path, HEADER + "u1,b,1600000000900,\nu1,a,1600000000100,\nu0,z,1600000000000,\n", None)
    assert [finer.item_ids[item] for item in finer.sequences()[1]] == ["a", "b"]


@pytest.mark.parametrize(
    ("rows", "core", "message"),
    [
        ([("u1", "a", 1), ("u1", "b", 2)], 0, r"^1 user; at least 2 are needed to train\."),
        ([("u1", "a", 1), ("u2", "b", 2)], 2, "Nothing is left of 2 interactions of 2 users with 2 items"),
        ([("u1", "a", 1), ("u1", "a", 2), ("u2", "b", 2)], 2, "1 user left after the filters; at least 2"),
    ],
)
def test_too_little_data_is_refused_and_leaves_nothing(
    tmp_path: Path, rows: list[tuple[str, str, int]], core: int, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        version_of(rows, tmp_path / "v", core)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


users_and_items = st.lists(
    st.tuples(st.sampled_from(["u1", "u10", "u2", "ü"]), st.sampled_from(["a", "b", "é"]), st.integers(0, 3)),
    min_size=1,
    max_size=20,
)


@given(users_and_items, st.permutations(["u1", "u10", "u2", "ü"]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_hash_does_not_depend_on_the_order_of_users(
    tmp_path: Path, rows: list[tuple[str, str, int]], order: list[str]
) -> None:
    rows = [*rows, ("u1", "a", 0), ("u2", "b", 0)]
    first = version_of(rows, tmp_path / os.urandom(8).hex())
    second = version_of(sorted(rows, key=lambda row: order.index(row[0])), tmp_path / os.urandom(8).hex())
    assert first.hash == second.hash
    assert first.item.tolist() == second.item.tolist()


@pytest.mark.parametrize(
    ("old", "new"),
    [("u2,i1", "u3,i1"), ("u2,i1", "u2,i2"), ("1600000003", "1600000004"), ("u2,i1,1600000003,5", "u2,i1,1600000003,4")],
)
def test_the_hash_depends_on_every_interaction(tmp_path: Path, old: str, new: str) -> None:
    assert prepared(tmp_path / "a").hash != prepared(tmp_path / "b", LOG.replace(old, new)).hash


@pytest.mark.parametrize(("old", "new"), [("One", "Uno"), ("a|b", "a"), ("a|b", "b|a"), ("first", ""), ("i9,Never used,,\n", "")])
def test_the_hash_depends_on_every_item(tmp_path: Path, old: str, new: str) -> None:
    assert prepared(tmp_path / "a").hash != prepared(tmp_path / "b", items=ITEMS.replace(old, new)).hash


def test_the_hash_of_one_small_version_never_changes(tmp_path: Path) -> None:
    assert prepared(tmp_path).hash == "c370dc2af8a47ccd3281a61078056126620324317d5c9131316300353a0294f1"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written = prepared(tmp_path)
    read = read_version(tmp_path / "version")
    assert (read.hash, read.manifest, read.users) == (written.hash, written.manifest, written.users)
    assert read.items.equals(written.items)
    for name in ("user", "item", "timestamp", "weight"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
        assert getattr(read, name).dtype == getattr(written, name).dtype
        assert getattr(read, name).flags.writeable
    assert read.items.schema["categories"] == pl.List(pl.String)


def test_the_same_version_twice_is_one(tmp_path: Path) -> None:
    first = prepared(tmp_path)
    stamp = (tmp_path / "version" / "manifest.json").stat().st_mtime_ns
    assert prepared(tmp_path).hash == first.hash
    assert (tmp_path / "version" / "manifest.json").stat().st_mtime_ns == stamp


def test_another_version_or_other_files_in_the_folder_are_not_touched(tmp_path: Path) -> None:
    prepared(tmp_path)
    with pytest.raises(UserError, match="holds another version already"):
        prepared(tmp_path, LOG.replace("u2", "u3"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="is no version"):
        prepare(raw_data([("u1", "a", 1), ("u2", "a", 1)]), FilterSpec(core=0), other)
    assert [entry.name for entry in other.iterdir()] == ["letter.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "version").mkdir()
    assert prepared(tmp_path).path == tmp_path / "version"
    assert read_version(tmp_path / "version").counts.users == 2


def test_a_folder_that_cannot_be_made_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be made"):
        version_of([("u1", "a", 1), ("u2", "a", 1)], tmp_path / "file" / "v")


def test_a_crash_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "sync", full)
    with pytest.raises(OSError, match="No space"):
        version_of([("u1", "a", 1), ("u2", "a", 1)], tmp_path / "v")
    assert list(tmp_path.iterdir()) == []
