from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.coded import CodedRows
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.specs import FilterSpec, SplitSpec
from engine.data.split import Split
from engine.data.splits import make_split
from engine.data.version import read_version
from engine.errors import DataError
from tests.engine.data.builders import Row, version_of, write_folder
from tests.engine.data.splits.brute import ROWS, Event, Fate, check, made

IMPORTED = SplitSpec(kind="imported")
PART = st.sampled_from(["train", "train", "train", "valid", "test"])


def fate(events: list[Event], user: str) -> Fate:
    found = Fate([event.item for event in events if event.part == "train"])
    for place, event in enumerate(events):
        if event.part == "valid" and found.valid is None:
            found.valid = ([earlier.item for earlier in events[:place] if earlier.part == "train"], event.item)
        if event.part == "test" and found.test is None:
            found.test = ([earlier.item for earlier in events[:place] if earlier.part != "test"], event.item)
            found.tied = sum(other.part == "test" and other.time == event.time for other in events) > 1
    return found


@settings(max_examples=50, deadline=None)
@given(ROWS.flatmap(lambda rows: st.tuples(st.just(rows), st.lists(PART, min_size=len(rows), max_size=len(rows)))))
def test_each_part_is_what_the_data_say(data: tuple[list[Row], list[str]]) -> None:
    rows, parts = data
    check(made(rows, IMPORTED, parts=parts), fate)


LINES = [
    ("u1", "a", 1, "train"),
    ("u1", "b", 2, "train"),
    ("u1", "c", 3, "valid"),
    ("u1", "d", 4, "test"),
    ("u2", "b", 1, "train"),
    ("u2", "a", 2, "train"),
    ("u2", "d", 5, "valid"),
    ("u2", "c", 6, "test"),
    ("u3", "a", 1, "train"),
    ("u3", "b", 2, "train"),
]


def raw_folder(folder: Path, parts: dict[int, str] | None = None) -> Path:
    lines = [(*line[:3], (parts or {}).get(number, line[3])) for number, line in enumerate(LINES)]
    text = "\n".join(["user_id,item_id,timestamp,split", *(",".join(map(str, line)) for line in lines)])
    return write_folder(folder, text + "\n")


def split_of(folder: Path, parts: dict[int, str] | None = None) -> Split:
    version = prepare(read_raw(raw_folder(folder / "raw", parts)), FilterSpec(core=0), folder / "version")
    return make_split(read_version(version.path), IMPORTED)


def test_a_split_goes_through_files_and_versions(tmp_path: Path) -> None:
    split = split_of(tmp_path)
    assert [sequence.tolist() for sequence in split.train] == [[0, 1], [1, 0], [0, 1]]
    assert (split.valid.tolist(), split.test.tolist()) == ([2, 3, -1], [3, 2, -1])
    assert split.history(0, "test").tolist() == [0, 1, 2]
    assert (split.name, split.notices) == ("imported", ())


def test_it_is_part_of_the_versions_hash_and_of_its_own(tmp_path: Path) -> None:
    hashes, versions = set(), set()
    for name, parts in (("one", {}), ("same", {}), ("two", {0: "valid"}), ("three", {8: "test"})):
        hashes.add(split_of(tmp_path / name, parts).hash)
        versions.add(read_version(tmp_path / name / "version").hash)
    assert (len(hashes), len(versions)) == (3, 3)
    bare = version_of([(user, item, time) for user, item, time, _ in LINES], tmp_path / "bare")
    assert bare.hash not in versions
    assert bare.part is None


def test_it_survives_filters(tmp_path: Path) -> None:
    split = split_of(tmp_path)
    raw = read_raw(tmp_path / "raw")
    version = prepare(raw, FilterSpec(core=0, exclude_users=("u2",), minimum_rating=None), tmp_path / "filtered")
    filtered = make_split(version, IMPORTED)
    assert filtered.test.tolist() == [3, -1]
    assert filtered.train[0].tolist() == split.train[0].tolist()
    assert CodedRows.of_version(version).frame["part"].to_list() == version.part.tolist()  # type: ignore[union-attr]


def test_rows_that_differ_in_their_part_are_no_duplicates(tmp_path: Path) -> None:
    rows = [*LINES, ("u1", "a", 1, "test"), ("u1", "a", 1, "train")]
    version = version_of([row[:3] for row in rows], tmp_path / "v", parts=[row[3] for row in rows])
    assert len(version.user) == len(LINES) + 1
    assert version.manifest.filters[0].interactions_removed == 1


def test_several_targets_and_training_after_the_test_are_told(tmp_path: Path) -> None:
    split = split_of(tmp_path, {1: "test", 8: "test"})
    assert split.notices == (
        "Of the 3 users with test rows 1 have several: the first is the target.",
        "The imported split trains on 1 interactions of 1 users that come after the user's test target: methods learn what they "
        "could not have known.",
        "Users whose target has nothing before it are not evaluated: 1 of the test.",
    )
    assert split.test.tolist() == [1, 2, -1]


def test_a_word_that_is_no_part_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"interactions.csv, line 3: split 'holdout' is not train, valid or test \(2 such rows\)"):
        read_raw(raw_folder(tmp_path, {1: "holdout", 4: ""}))


def test_words_may_be_written_large_or_with_blanks(tmp_path: Path) -> None:
    assert split_of(tmp_path / "a", {3: " Test ", 0: "TRAIN"}).hash == split_of(tmp_path / "b").hash


def test_data_without_a_split_are_refused(tmp_path: Path) -> None:
    version = version_of([("u1", "a", 1), ("u2", "a", 1)], tmp_path / "v")
    with pytest.raises(DataError, match="the data hold no split") as caught:
        make_split(version, IMPORTED)
    assert "`split`" in caught.value.hint


def test_a_split_without_validation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nobody to validate on"):
        split_of(tmp_path, {2: "train", 6: "train"})


def test_a_damaged_split_is_noticed(tmp_path: Path) -> None:
    split_of(tmp_path)
    path = tmp_path / "version" / "split.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged, split\.parquet"):
        read_version(path.parent)
    path.unlink()
    with pytest.raises(DataError, match=r"split\.parquet is missing"):
        read_version(path.parent)
