"""Every file of the shared malformed set behaves as its manifest says."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.data.prepare import prepare
from engine.data.raw import RawData
from engine.data.read import read_raw
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import DataError
from engine.spec import FilterSpec
from tests.conftest import ROOT

MALFORMED = Path(os.environ.get("DARECLAB_DATA") or ROOT.parent / "shared" / "data").resolve() / "malformed"
Row = tuple[str, str, int, float | None]


@dataclass(frozen=True)
class Accepted:
    """A file that makes a version, with a notice that says so much (none at all if it is empty), and with this content."""

    notice: str = ""
    holds: Callable[[RawData, Version], None] = lambda raw, version: None


@dataclass(frozen=True)
class Refused:
    """A file whose refusal says so much."""

    message: str


def good_rows() -> list[Row]:
    return read_raw(MALFORMED / "00_good_interactions.csv").interactions.sort("user", maintain_order=True).rows()


def the_good_log(raw: RawData, version: Version) -> None:
    log = raw.interactions.unique(maintain_order=True).sort("user", "timestamp", maintain_order=True)
    assert log.select("user", "item", "timestamp", "weight").rows() == good_rows()
    assert version.counts.interactions == 96


def moments(raw: RawData, version: Version) -> None:
    assert version.counts.interactions == 96
    assert 1_600_041_600 in version.timestamp.tolist()  # the date without a time


def orphans(raw: RawData, version: Version) -> None:
    assert version.titles[-8:] == [f"zz{number}" for number in range(1, 9)]


def items_30(raw: RawData, version: Version) -> None:
    assert version.counts.items == 30


def hostile_titles(raw: RawData, version: Version) -> None:
    titles = dict(zip(version.item_ids, version.titles, strict=True))
    assert titles["i1"] == "<script>alert(1)</script>"
    assert titles["i4"] == "{{7*7}} ${7*7} <%= 7*7 %>"
    assert titles["i5"] == "Tom &amp; Jerry &lt;3"


def good_lines(raw: RawData, version: Version) -> None:
    log = raw.interactions.select("user", "item", "timestamp").rows()
    assert log == [("u1", "i1", 1_600_000_000), ("u2", "i4", 1_600_000_400), ("u2", "i5", 1_600_000_500)]
    assert raw.rejected["line"].to_list() == [2, 3, 4, 5, 6, 7]
    assert raw.rejected["reason"].n_unique() == 6


EXPECTED: dict[str, Accepted | Refused] = {
    "00_good_interactions.csv": Accepted("", the_good_log),
    "00_good_items.csv": Accepted("", items_30),
    "01_semicolon_delimiter.csv": Accepted("a semicolon", the_good_log),
    "02_tabs_named_csv.csv": Accepted("a tab", the_good_log),
    "03_latin1_items.csv": Accepted("line 3, byte 0xE9", items_30),
    "04_utf16_bom.csv": Accepted("UTF-16", the_good_log),
    "05_utf8_bom.csv": Accepted("", the_good_log),
    "06_quoted_newlines_items.csv": Accepted("", items_30),
    "07_unclosed_quote_items.csv": Refused("a quote opened on line 2 is never closed"),
    "08_missing_item_column.csv": Refused("required column `item_id` is missing; found: user_id, timestamp, rating"),
    "09_ragged_rows.csv": Accepted("4 rows skipped (too few, too many or empty fields): lines 7, 8, 9, 10", the_good_log),
    "10_nonnumeric_timestamps.csv": Refused("line 5: timestamp 'yesterday' is not a number or an ISO date"),
    "11_millisecond_timestamps.csv": Accepted("in milliseconds", the_good_log),
    "12_mixed_seconds_milliseconds.csv": Accepted("mix seconds and milliseconds; 48 of 96", the_good_log),
    "13_iso_dates.csv": Accepted("no time zone", moments),
    "14_duplicate_rows.csv": Accepted("50 exact duplicates", the_good_log),
    "15_empty.csv": Refused("the file is empty"),
    "16_header_only.csv": Refused("no interactions in the file"),
    "17_one_user.csv": Refused("1 user; at least 2 are needed to train"),
    "18_too_short_sequences.csv": Refused("No user has the 3 interactions that a train/validation/test split needs"),
    "19_nul_bytes.csv": Refused("NUL byte at offset 200"),
    "20_title_100kB_items.csv": Accepted("more than 256 characters: i1", items_30),
    "21_formula_injection_items.csv": Accepted("", items_30),
    "22_script_titles_items.csv": Accepted("", hostile_titles),
    "23_prompt_injection_items.csv": Accepted("", items_30),
    "24_unicode_traps_items.csv": Accepted("1 item has no title; the id stands in: i8", items_30),
    "25_conflicting_item_ids.csv": Refused("item_id i1 occurs on lines 2 and 3 with different titles"),
    "26_orphan_items_interactions.csv": Accepted("8 items have no title", orphans),
    "27_mixed_line_endings.csv": Accepted("", the_good_log),
    "28_bad_lines.jsonl": Accepted("6 rows skipped", good_lines),
    "29_deep_nesting.jsonl": Refused("line 1: nested too deeply"),
    "30_binary_named_csv.csv": Refused("this is not a text file"),
    "31_zip_bomb.zip": Refused("expands to more than the limit"),
    "32_zip_traversal.zip": Refused("the archive holds an unsafe path: ../../evil_interactions.csv"),
    "33_zip_symlink.zip": Refused("the archive holds a link"),
    "34_zip_lying_header.zip": Refused("archive is damaged (size does not match)"),
    "35_truncated.zip": Refused("the archive is incomplete or damaged"),
}
TOO_SHORT_TO_SPLIT = "28_bad_lines.jsonl"
ITEMS = {"25_conflicting_item_ids.csv"}


def manifest() -> dict[str, str]:
    """What a sensible system does with each file, by its name, as the table says."""
    path = MALFORMED / "MANIFEST.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return dict(re.findall(r"^\| (\S+\.\w+) \|.*\| ([^|]+) \|$", text, re.MULTILINE))


def upload(name: str, folder: Path) -> Path:
    """The file laid out as a person would: beside the good file of the other kind, or alone if it is an archive."""
    folder.mkdir()
    source = MALFORMED / name
    if source.suffix == ".zip":
        return Path(shutil.copyfile(source, folder / name))
    items = name in ITEMS or name.endswith("_items.csv")
    shutil.copyfile(MALFORMED / "00_good_interactions.csv" if items else source, folder / f"interactions{source.suffix}")
    shutil.copyfile(source if items else MALFORMED / "00_good_items.csv", folder / "items.csv")
    return folder


def load(path: Path, version: Path, split: bool) -> tuple[RawData, Version]:
    raw = read_raw(path)
    prepared = prepare(raw, FilterSpec(core=0), version)
    if split:
        leave_one_out(prepared)
    return raw, prepared


@pytest.mark.parametrize(("name", "advice"), manifest().items())
def test_every_file_behaves_as_the_manifest_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, advice: str) -> None:
    assert name in EXPECTED, f"MANIFEST.md lists {name}, of which no test knows what should happen"
    expected = EXPECTED[name]
    assert ("ACCEPT" in advice or "skip" in advice) if isinstance(expected, Accepted) else "REJECT" in advice
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    path = upload(name, tmp_path / "upload")
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    if isinstance(expected, Refused):
        with pytest.raises(DataError) as caught:
            load(path, tmp_path / "version", split=True)
        assert expected.message in caught.value.message
        assert caught.value.hint
    else:
        raw, version = load(path, tmp_path / "version", split=name != TOO_SHORT_TO_SPLIT)
        notices = " ".join(version.manifest.notices)
        assert expected.notice in notices
        assert bool(expected.notice) == bool(notices)
        expected.holds(raw, version)
    left = {
        file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and (tmp_path / "version") not in file.parents
    }
    assert left == files
    assert not Path("/", "tmp", "evil_absolute.csv").exists()


def test_the_manifest_lists_all_files_that_are_there(shared_data: Path) -> None:
    assert MALFORMED.parent == shared_data
    there = {path.name for path in MALFORMED.iterdir()} - {"MANIFEST.md"}
    assert set(manifest()) == there == set(EXPECTED)
    assert len(there) == 37
