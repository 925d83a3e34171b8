from pathlib import Path

import pytest

from engine.data.candidates import candidates_of, limit_to_candidates
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.split import leave_one_out
from engine.data.version import Version, read_version
from engine.errors import DataError
from engine.spec import FilterSpec
from tests.engine.data.builders import write_folder

LOG = "user_id,item_id,timestamp\n" + "".join(
    f"{user},{item},{time}\n" for user in ("u1", "u2", "u3") for time, item in enumerate("abcd")
)


def version_with(folder: Path, candidates: str, filters: FilterSpec | None = None) -> Version:
    raw = write_folder(folder / "raw", LOG)
    (raw / "candidates.csv").write_text(candidates, encoding="utf-8")
    return prepare(read_raw(raw), filters or FilterSpec(core=0), folder / "version")


def test_lists_go_through_files_and_versions(tmp_path: Path) -> None:
    version = version_with(tmp_path, "user_id,item_id\nu2,d\nu1,b\nu1,a\nu1,b\n")
    lists = candidates_of(read_version(version.path))
    assert [found.tolist() for found in lists] == [[0, 1], [3], []]
    assert "candidates.csv" in version.manifest.sources
    assert set(version.manifest.files) == {"interactions.parquet", "items.parquet", "users.parquet", "candidates.parquet"}


def test_they_are_part_of_the_versions_hash(tmp_path: Path) -> None:
    hashes = [
        version_with(tmp_path / str(number), f"user_id,item_id\n{rows}").hash
        for number, rows in enumerate(["u1,a\n", "u1,a\nu1,a\n", "u1,b\n", "u2,a\n"])
    ]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    assert prepare(read_raw(write_folder(tmp_path / "raw", LOG)), FilterSpec(core=0), tmp_path / "bare").hash not in hashes


def test_what_filters_leave_out_is_left_out_and_told(tmp_path: Path) -> None:
    rows = "user_id,item_id\nu1,a\nu1,zzz\nu2,a\nu9,a\n"
    version = version_with(tmp_path, rows, FilterSpec(core=0, exclude_users=("u2",)))
    assert [found.tolist() for found in candidates_of(version)] == [[0], []]
    assert version.manifest.notices[-1] == "3 candidates were left out: their user or item is not in the version."


def test_users_without_a_list_are_not_tested(tmp_path: Path) -> None:
    version = version_with(tmp_path, "user_id,item_id\nu1,a\nu3,b\n")
    split = leave_one_out(version)
    limited = limit_to_candidates(split, candidates_of(version))
    assert limited.targets("test")[0].tolist() == [0, 2]
    assert limited.targets("valid")[0].tolist() == [0, 1, 2]
    assert limited.hash == split.hash
    assert limited.notices == (
        "Test targets are ranked among imported candidates, validation targets among the whole catalogue.",
        "1 users with a test target have no candidate list and are not tested.",
    )


def test_lists_that_nobody_can_use_are_refused(tmp_path: Path) -> None:
    version = version_with(tmp_path, "user_id,item_id\nu9,a\n")
    with pytest.raises(DataError, match="No user with a test target has a candidate list"):
        limit_to_candidates(leave_one_out(version), candidates_of(version))


def test_a_version_without_lists_is_refused(tmp_path: Path) -> None:
    version = prepare(read_raw(write_folder(tmp_path / "raw", LOG)), FilterSpec(core=0), tmp_path / "v")
    with pytest.raises(DataError, match="hold no candidate lists") as caught:
        candidates_of(version)
    assert "candidates.csv" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user_id,item\nu1,a\n", r"candidates.csv: required column `item_id` is missing"),
        ("user_id,item_id\n", "candidates.csv"),
    ],
)
def test_a_file_that_holds_no_lists_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        version_with(tmp_path, content)
