import gzip
import hashlib
from pathlib import Path

import pytest

from engine.data.read import read_raw
from engine.errors import DataError
from tests.engine.data.builders import write_folder

LOG = "user_id,item_id,timestamp,rating\nu1,i1,1600000001,5\nu1,i2,1600000002,4\nu2,i1,1600000001,3\n"
ITEMS = "item_id,title\ni1,One\n"


def test_a_folder_with_both_files(tmp_path: Path) -> None:
    raw = read_raw(write_folder(tmp_path, LOG, ITEMS))
    assert raw.interactions["item"].to_list() == ["i1", "i2", "i1"]
    assert raw.items["title"].to_list() == ["One", "i2"]
    assert raw.sources["interactions.csv"] == hashlib.sha256(LOG.encode()).hexdigest()
    assert "1 item has no title" in raw.notices[0]


def test_packed_files_hold_the_same_data(tmp_path: Path) -> None:
    plain = read_raw(write_folder(tmp_path / "plain", LOG, ITEMS))
    (tmp_path / "packed").mkdir()
    for name, content in (("interactions", LOG), ("items", ITEMS)):
        (tmp_path / "packed" / f"{name}.csv.gz").write_bytes(gzip.compress(content.encode()))
    packed = read_raw(tmp_path / "packed")
    assert packed.interactions.equals(plain.interactions)
    assert packed.items.equals(plain.items)


def test_a_single_file_has_ids_as_titles(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, LOG, ITEMS)
    raw = read_raw(folder / "interactions.csv")
    assert raw.items["title"].to_list() == ["i1", "i2"]
    assert "no items file" in raw.notices[-1]


def test_two_files_of_one_name_are_ambiguous(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, LOG)
    (folder / "interactions.csv.gz").write_bytes(gzip.compress(LOG.encode()))
    with pytest.raises(DataError, match=r"both interactions\.csv and interactions\.csv\.gz"):
        read_raw(folder)
