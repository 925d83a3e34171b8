"""Every CSV of the shared malformed set behaves as its manifest says."""

import shutil
from pathlib import Path

import pytest

from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import DataError
from engine.spec import FilterSpec

ACCEPTED = {
    "00_good_interactions.csv": "",
    "01_semicolon_delimiter.csv": "a semicolon",
    "02_tabs_named_csv.csv": "a tab",
    "04_utf16_bom.csv": "UTF-16",
    "05_utf8_bom.csv": "",
    "09_ragged_rows.csv": "4 rows skipped (too few, too many or empty fields): lines 7, 8, 9, 10",
    "11_millisecond_timestamps.csv": "in milliseconds",
    "12_mixed_seconds_milliseconds.csv": "mix seconds and milliseconds; 48 of 96",
    "14_duplicate_rows.csv": "50 exact duplicates",
    "27_mixed_line_endings.csv": "",
}
REFUSED = {
    "08_missing_item_column.csv": "required column `item_id` is missing; found: user_id, timestamp, rating",
    "10_nonnumeric_timestamps.csv": "line 5: timestamp 'yesterday' is not a number or an ISO date",
    "15_empty.csv": "the file is empty",
    "16_header_only.csv": "no interactions in the file",
    "17_one_user.csv": "1 user; at least 2 are needed to train",
    "18_too_short_sequences.csv": "No user has the 3 interactions that a train/validation/test split needs",
    "19_nul_bytes.csv": "NUL byte at offset 200",
    "30_binary_named_csv.csv": "this is not a text file",
}
ACCEPTED_ITEMS = {
    "00_good_items.csv": "",
    "03_latin1_items.csv": "line 3, byte 0xE9",
    "06_quoted_newlines_items.csv": "",
    "20_title_100kB_items.csv": "more than 256 characters: i1",
    "21_formula_injection_items.csv": "",
    "22_script_titles_items.csv": "",
    "23_prompt_injection_items.csv": "",
    "24_unicode_traps_items.csv": "1 item has no title; the id stands in: i8",
}
REFUSED_ITEMS = {
    "07_unclosed_quote_items.csv": "a quote opened on line 2 is never closed",
    "25_conflicting_item_ids.csv": "item_id i1 occurs on lines 2 and 3 with different titles",
}


@pytest.fixture
def malformed(shared_data: Path) -> Path:
    folder = shared_data / "malformed"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def load(malformed: Path, folder: Path, log: str = "00_good_interactions.csv", items: str = "00_good_items.csv") -> Version:
    shutil.copyfile(malformed / log, folder / "interactions.csv")
    shutil.copyfile(malformed / items, folder / "items.csv")
    version = prepare(read_raw(folder), FilterSpec(core=0), folder / "version")
    leave_one_out(version)
    return version


def rows(version: Version) -> list[tuple[int, ...]]:
    return list(
        zip(version.user.tolist(), version.item.tolist(), version.timestamp.tolist(), version.weight.tolist(), strict=True)
    )


@pytest.mark.parametrize(("name", "notice"), ACCEPTED.items())
def test_these_logs_hold_the_96_rows_of_the_good_one(malformed: Path, tmp_path: Path, name: str, notice: str) -> None:
    for folder in ("good", "odd"):
        (tmp_path / folder).mkdir()
    good, odd = load(malformed, tmp_path / "good"), load(malformed, tmp_path / "odd", log=name)
    assert rows(odd) == rows(good)
    assert odd.hash == good.hash
    notices = " ".join(odd.manifest.notices)
    assert notice in notices
    assert bool(notice) == bool(notices)


def test_iso_dates_are_moments_in_utc(malformed: Path, tmp_path: Path) -> None:
    version = load(malformed, tmp_path, log="13_iso_dates.csv")
    assert version.counts.interactions == 96
    assert 1_600_041_600 in version.timestamp.tolist()  # the date without a time
    assert "no time zone" in version.manifest.notices[0]


def test_orphans_are_added(malformed: Path, tmp_path: Path) -> None:
    version = load(malformed, tmp_path, log="26_orphan_items_interactions.csv")
    assert version.counts.items == 38
    assert version.titles[-8:] == [f"zz{number}" for number in range(1, 9)]
    assert "8 items have no title" in version.manifest.notices[0]


@pytest.mark.parametrize(("name", "message"), REFUSED.items())
def test_these_logs_are_refused(malformed: Path, tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load(malformed, tmp_path, log=name)
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(("name", "notice"), ACCEPTED_ITEMS.items())
def test_these_catalogues_hold_30_items(malformed: Path, tmp_path: Path, name: str, notice: str) -> None:
    version = load(malformed, tmp_path, items=name)
    assert version.counts.items == 30
    assert notice in " ".join(version.manifest.notices)
    assert bool(notice) == bool(version.manifest.notices)


@pytest.mark.parametrize(("name", "message"), REFUSED_ITEMS.items())
def test_these_catalogues_are_refused(malformed: Path, tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load(malformed, tmp_path, items=name)
    assert message in caught.value.message


def test_hostile_titles_stay_text(malformed: Path, tmp_path: Path) -> None:
    version = load(malformed, tmp_path, items="22_script_titles_items.csv")
    titles = dict(zip(version.item_ids, version.titles, strict=True))
    assert titles["i1"] == "<script>alert(1)</script>"
    assert titles["i4"] == "{{7*7}} ${7*7} <%= 7*7 %>"
    assert titles["i5"] == "Tom &amp; Jerry &lt;3"
