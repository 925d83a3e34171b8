"""The counts that the shared real data sets are known to have."""

from pathlib import Path

import pytest

from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.split import leave_one_out, seen_rule
from engine.data.version import Version
from engine.spec import FilterSpec


def prepared(folder: Path, out: Path, core: int) -> Version:
    if not folder.is_dir():
        pytest.skip(f"no {folder.name} in {folder.parent}")
    return prepare(read_raw(folder), FilterSpec(core=core), out / "version")


@pytest.mark.parametrize(
    ("name", "core", "counts", "time", "seen"),
    [
        ("ml-100k", 0, (943, 1_682, 100_000), "real", "remove"),
        ("ml-100k", 5, (943, 1_349, 99_287), "real", "remove"),
        ("amazon-beauty-2014", 5, (22_363, 12_101, 198_502), "position", "remove"),
        ("ml-1m", 0, (6_040, 3_883, 1_000_209), "real", "remove"),
        # 397,924 rows, of which 10,127 equal an earlier one in user, item and minute: one invoice with the same line twice.
        ("online-retail", 0, (4_339, 3_665, 387_797), "real", "keep"),
    ],
)
def test_counts(
    shared_data: Path, tmp_path: Path, name: str, core: int, counts: tuple[int, int, int], time: str, seen: str
) -> None:
    version = prepared(shared_data / name, tmp_path, core)
    found = version.counts
    assert (found.users, found.items, found.interactions) == counts
    assert version.manifest.time == time
    assert seen_rule(version, "auto") == seen


def test_duplicates_of_online_retail_are_in_the_manifest(shared_data: Path, tmp_path: Path) -> None:
    manifest = prepared(shared_data / "online-retail", tmp_path, 0).manifest
    assert manifest.counts.interactions + manifest.filters[0].interactions_removed == 397_924


def test_all_users_of_movielens_are_evaluated(shared_data: Path, tmp_path: Path) -> None:
    split = leave_one_out(prepared(shared_data / "ml-100k", tmp_path, 5))
    assert (len(split.targets("test")[0]), len(split.train.items), split.ties) == (943, 99_287 - 2 * 943, 416)
