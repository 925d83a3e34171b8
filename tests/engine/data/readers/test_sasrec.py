import gzip
from pathlib import Path

import numpy as np
import pytest

from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.readers import READERS
from engine.data.split import leave_one_out
from engine.errors import DataError
from engine.spec import FilterSpec
from tests.engine.data.builders import write_folder


def write(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_the_order_of_the_lines_is_the_order_of_time(tmp_path: Path) -> None:
    content = "1 10\n1 9\n2 9\n1 10\n2 10\n"
    raw = read_raw(write(tmp_path / "Video.txt", content))
    assert raw.time == "order"
    assert raw.interactions.select("user", "item", "timestamp").rows() == [
        ("1", "10", 1),
        ("1", "9", 2),
        ("2", "9", 1),
        ("1", "10", 3),
        ("2", "10", 2),
    ]
    csv = read_raw(write_folder(tmp_path / "csv", "user_id,item_id\n" + content.replace(" ", ",")))
    filters = FilterSpec(core=0)
    assert prepare(raw, filters, tmp_path / "a").hash == prepare(csv, filters, tmp_path / "b").hash


@pytest.mark.parametrize("content", ["u1 i1\nu2 i2\n", "1 2\r\n3 4\r\n", "1 2", "1 2\n" * 99999])
def test_pairs_are_recognised(tmp_path: Path, content: str) -> None:
    assert READERS.get("sasrec").recognises(write(tmp_path / "a.txt", content))
    (tmp_path / "a.gz").write_bytes(gzip.compress(content.encode()))
    assert READERS.get("sasrec").recognises(tmp_path / "a.gz")


@pytest.mark.parametrize(
    "content",
    ["", "user item\n", "user_id,item_id\n1,2\n", "1 2 3\n", "1 2\n1 2 3\n", "1\t2\n", "1 2, 3\n", '{"a": 1}\n', "1\n2\n"],
)
def test_other_text_is_not(tmp_path: Path, content: str) -> None:
    assert not READERS.get("sasrec").recognises(write(tmp_path / "a.txt", content))
    assert not READERS.get("sasrec").recognises(tmp_path)


def test_a_line_that_is_no_pair_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "1 2\n" * 2000 + "1 2 3\n" * 2000)
    with pytest.raises(DataError, match="do not have the 2 fields"):
        read_raw(path)


def test_the_published_file(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "parity-ids" / "sasrec_Video.txt.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    version = prepare(read_raw(path), FilterSpec(core=0), tmp_path / "version")
    assert version.counts.model_dump() == {"users": 31_013, "items": 23_715, "interactions": 287_107}
    long_enough = np.bincount(version.user) >= 3
    assert ((leave_one_out(version).test >= 0) == long_enough).all()
