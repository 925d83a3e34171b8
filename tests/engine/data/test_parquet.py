import datetime
import gzip
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data import text as text_module
from engine.data.parquet import read_parquet
from engine.errors import DataError

UTC = datetime.UTC


def write(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def column(path: Path, values: Any) -> list[str]:
    table, _ = read_parquet(write(path, id=["x"] * len(values), values=values))
    return table.frame["values"].to_list()


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array(["001", None, ""]), ["001", "", ""]),
        (pa.array(["a", "a", None]).dictionary_encode(), ["a", "a", ""]),
        (pa.array([1, None, -(2**63)]), ["1", "", str(-(2**63))]),
        (pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)]),
        (pa.array([1.0, 4.5, None]), ["1.0", "4.5", ""]),
        (pa.array([4.1], pa.float32()), ["4.1"]),
        (pa.array([True, False, None]), ["true", "false", ""]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.array([None, None], pa.null()), ["", ""]),
        (pa.array([datetime.date(1970, 1, 2)]), ["86400"]),
        (pa.array([1_600_000_000_000], pa.timestamp("ms", "UTC")), ["1600000000"]),
        (pa.array([1_600_000_000_123_456_789, None], pa.timestamp("ns", "Europe/Berlin")), ["1600000000.123", ""]),
        (pa.array([1_600_000_000_007_000], pa.timestamp("us")), ["1600000000.007"]),
        (pa.array([["a", "b"], [], None, ["c", None]]), ["a|b", "", "", "c"]),
        (pa.array([[1, 2]]), ["1|2"]),
    ],
)
def test_cells_become_the_text_that_a_csv_file_would_have(tmp_path: Path, values: Any, texts: list[str]) -> None:
    assert column(tmp_path / "a.parquet", values) == texts


def test_columns_of_other_kinds_are_left_out_and_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", id=["x"], nested=[{"a": 1}], lists=[[["a"]]], blob=[b"\xff"])
    table, _ = read_parquet(path)
    assert table.frame.columns == ["id"]
    assert "nested, lists, blob" in table.notices[0]


def test_times_without_a_zone_are_told(tmp_path: Path) -> None:
    table, _ = read_parquet(write(tmp_path / "a.parquet", id=["x"], time=pa.array([1], pa.timestamp("s"))))
    assert "without a time zone were read as UTC: time" in table.notices[0]
    assert table.lists == set()


def test_rows_are_numbered_and_lists_known(tmp_path: Path) -> None:
    table, _ = read_parquet(write(tmp_path / "a.parquet", id=["x", "y"], categories=[["a"], []]))
    assert [table.line(row) for row in range(2)] == [1, 2]
    assert table.lists == {"categories"}


def test_a_packed_file_is_read_too(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.parquet", id=["x", "y"])
    packed = tmp_path / "a.parquet.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_parquet(packed)[0].frame.equals(read_parquet(plain)[0].frame)
    assert read_parquet(packed)[1] != read_parquet(plain)[1]


def test_many_blocks_are_one_table(tmp_path: Path) -> None:
    table, _ = read_parquet(write(tmp_path / "a.parquet", id=list(range(200_000))))
    assert table.frame["id"].to_list() == [str(number) for number in range(200_000)]


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["id", "id"]), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="'id' stands there twice"):
        read_parquet(tmp_path / "a.parquet")


def test_a_file_without_columns_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="0 columns"):
        read_parquet(tmp_path / "a.parquet")


@pytest.mark.parametrize("values", [pa.array(["x" * 1000] * 300_000), pa.array([None] * 20_000_000, pa.null())])
def test_a_small_file_of_very_many_cells_is_refused(tmp_path: Path, values: Any) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"values": values, "id": pa.array([1] * len(values), pa.int8())}), path, compression="zstd")
    assert path.stat().st_size < 2**20
    with pytest.raises(DataError, match="expands to more than the limit"):
        read_parquet(path)


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array([b"\xff\xfe", b"ok"]).view(pa.string())}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="incomplete or damaged"):
        read_parquet(tmp_path / "a.parquet")


def test_metadata_that_is_not_utf8_does_not_matter(tmp_path: Path) -> None:
    odd = {b"\xff": b"\xfe"}
    lists = pa.field("l", pa.list_(pa.field("element", pa.string(), metadata=odd)), metadata=odd)
    both = pa.schema([pa.field("id", pa.string(), metadata=odd), lists], metadata=odd)
    pq.write_table(pa.table([pa.array(["a", "b"]), pa.array([["x"], []], lists.type)], schema=both), tmp_path / "a.parquet")
    assert read_parquet(tmp_path / "a.parquet")[0].frame.rows() == [("a", "x"), ("b", "")]


def test_every_cut_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.parquet", id=["x", "y"]).read_bytes()
    for length in range(4, len(whole), 9):
        (tmp_path / "cut.parquet").write_bytes(whole[:length])
        with pytest.raises(DataError, match="incomplete or damaged"):
            read_parquet(tmp_path / "cut.parquet")


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_a_byte_makes_it_crash(tmp_path: Path, data: st.DataObject) -> None:
    stream = io.BytesIO()
    frame = pl.DataFrame({"id": ["a", "b", None], "n": [1, 2, 3], "l": [["x"], [], None]})
    frame.write_parquet(stream)
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.parquet").write_bytes(bytes(content))
    try:
        table, _ = read_parquet(tmp_path / "a.parquet")
    except DataError:
        return
    assert set(table.frame.dtypes) <= {pl.String}


def test_the_limit_is_that_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet", id=["x" * 100] * 1000)
    read_parquet(path)
    monkeypatch.setattr(text_module, "FREE_EXPANSION", 1000)
    with pytest.raises(DataError, match="expands to more than the limit"):
        read_parquet(path)
