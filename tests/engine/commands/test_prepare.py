"""What ``prepare`` prints and writes beside the version."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.commands.main import main
from engine.data.version import read_version
from tests.engine.data.builders import write_folder

LOG = "user_id,item_id,timestamp\n" + "".join(f"u{number % 4},i{number % 5},{number + 10}\n" for number in range(40))
ITEMS = "item_id,title\n" + "".join(f"i{number},Title {number}\n" for number in range(20))


def prepared(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["prepare", *map(str, arguments)]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return result


def test_rows_read_are_those_before_anything_was_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = write_folder(tmp_path / "raw", LOG + "u1,i1,11\nu9,i1,11\n", ITEMS)
    result = prepared(capsys, "--data", raw, "--out", tmp_path / "version", "--set", "filters.core=2")
    removed = sum(step.interactions_removed for step in read_version(tmp_path / "version").manifest.filters)
    assert result["rows_read"] == 42
    assert removed == 2
    assert result["rows_read"] - removed == result["data"]["interactions"]


def test_rejected_rows_are_listed_beside_the_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = write_folder(tmp_path / "raw", LOG + "=1+1,i1\nu1,,7\n", ITEMS + ",No id\n")
    result = prepared(capsys, "--data", raw, "--out", tmp_path / "version")
    assert (result["rejected"], result["rows_read"]) == (3, 40)
    assert result["rejected_list"] == str(tmp_path / "version.rejected.csv")
    assert pl.read_csv(result["rejected_list"]).rows() == [
        ("interactions.csv", 42, "too few fields", "'=1+1,i1"),
        ("interactions.csv", 43, "an empty user or item", "u1,,7"),
        ("items.csv", 22, "an empty item id", ",No id"),
    ]
    good = write_folder(tmp_path / "good", LOG, ITEMS)
    assert prepared(capsys, "--data", good, "--out", tmp_path / "other")["version"] == result["version"]
    assert not (tmp_path / "other.rejected.csv").exists()


def test_users_with_too_few_interactions_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = write_folder(tmp_path / "raw", LOG + "one,i1,5\ntwo,i1,5\ntwo,i2,6\n", ITEMS)
    assert main(["prepare", "--data", str(raw), "--out", str(tmp_path / "version")]) == 0
    words = "2 users have fewer than 3 interactions"
    assert words in capsys.readouterr().err
    assert any(words in notice for notice in read_version(tmp_path / "version").manifest.notices)


def test_help_says_where_the_list_lies(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["prepare", "--help"])
    assert "OUT.rejected.csv" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "read", "kept"),
    [
        ("ml-100k", 100_000, 100_000),
        ("ml-1m", 1_000_209, 1_000_209),
        ("amazon-beauty-2014", 198_502, 198_502),
        ("online-retail", 397_924, 387_797),
    ],
)
def test_rows_of_the_real_sets_are_what_their_sources_say(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, read: int, kept: int
) -> None:
    if not (shared_data / name).is_dir():
        pytest.skip(f"no {name} in {shared_data}")
    result = prepared(capsys, "--data", shared_data / name, "--out", tmp_path / "version")
    assert (result["rows_read"], result["rejected"], result["data"]["interactions"]) == (read, 0, kept)
