import csv
import zipfile
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from engine.data.export import FORMATS, export_version
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import DataError, UserError
from engine.spec import FilterSpec
from tests.engine.data.builders import raw_data, version_of, write_folder

LOG = "user_id,item_id,timestamp,rating\n=u1,i1,1600000000,5\n=u1,i2,1600000001,2.5\nu2,-7,1600000002,-1\nu2,@x,1600000003,4\n"
ITEMS = (
    'item_id,title,categories,description,=sum\ni1,=HYPERLINK("evil"),"Hair Care|Clothing, Shoes",,+1\n'
    "i2,Plain,,x,-2.5\n-7,@home,-a|b,,\n@x,,,,-\n"
)


@pytest.fixture
def version(tmp_path: Path) -> Version:
    return prepare(read_raw(write_folder(tmp_path / "raw", LOG, ITEMS)), FilterSpec(core=0), tmp_path / "version")


def texts(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_csv_for_people_makes_no_formula(version: Version, tmp_path: Path) -> None:
    lost = export_version(version, "csv", tmp_path / "a.zip")
    files = texts(tmp_path / "a.zip")
    assert list(files) == ["interactions.csv", "items.csv"]
    log = list(csv.reader(files["interactions.csv"].splitlines()))
    assert log[0] == ["user_id", "item_id", "timestamp", "rating"]
    # A number is no formula, and stays a number.
    assert log[1:] == [
        ["'=u1", "i1", "1600000000", "5.0"],
        ["'=u1", "i2", "1600000001", "2.5"],
        ["u2", "-7", "1600000002", "-1.0"],
        ["u2", "'@x", "1600000003", "4.0"],
    ]
    items = {row["item_id"]: row for row in csv.DictReader(files["items.csv"].splitlines())}
    assert items["i1"]["title"] == '\'=HYPERLINK("evil")'
    assert items["i1"]["categories"] == "Hair Care|Clothing, Shoes"
    assert items["-7"]["title"] == "'@home"
    assert items["-7"]["categories"] == "'-a|b"
    assert [items[one]["'=sum"] for one in ("i1", "i2", "'@x")] == ["+1", "-2.5", "'-"]
    assert lost == (lost[0],)
    assert lost[0].startswith("9 cells begin with a sign")


def test_csv_for_machines_is_as_the_data_is(version: Version, tmp_path: Path) -> None:
    assert export_version(version, "csv-raw", tmp_path / "a.zip") == ()
    assert texts(tmp_path / "a.zip")["interactions.csv"].startswith("user_id,item_id,timestamp,rating\n=u1,i1,")


def test_recbole_as_its_documentation_describes_it(version: Version, tmp_path: Path) -> None:
    export_version(version, "recbole", tmp_path / "a.zip", "Beauty 2014 v3")
    files = texts(tmp_path / "a.zip")
    assert list(files) == ["Beauty-2014-v3/Beauty-2014-v3.inter", "Beauty-2014-v3/Beauty-2014-v3.item"]
    log, items = (text.splitlines() for text in files.values())
    assert log[0].split("\t") == ["user_id:token", "item_id:token", "timestamp:float", "rating:float"]
    assert log[1].split("\t") == ["=u1", "i1", "1600000000", "5.0"]
    assert items[0].split("\t") == [
        "item_id:token",
        "title:token_seq",
        "categories:token_seq",
        "description:token_seq",
        "=sum:token_seq",
    ]
    # What RecBole makes of it: pandas splits and unquotes, then a blank parts the members.
    rows = {row["item_id:token"]: row for row in csv.DictReader(items, delimiter="\t")}
    assert rows["i1"]["title:token_seq"] == '=HYPERLINK("evil")'
    assert [member.replace("\u2060", "") for member in rows["i1"]["categories:token_seq"].split(" ")] == [
        "Hair\u00a0Care",
        "Clothing,\u00a0Shoes",
    ]
    assert rows["@x"]["title:token_seq"] == ""


def test_numbers_beside_the_items_are_floats_for_recbole(tmp_path: Path) -> None:
    raw = write_folder(tmp_path / "raw", LOG, "item_id,title,year,size:cm\ni1,a,1995,3\ni2,b,,x\n")
    version = prepare(read_raw(raw), FilterSpec(core=0), tmp_path / "version")
    lost = export_version(version, "recbole", tmp_path / "a.zip")
    header = texts(tmp_path / "a.zip")["data/data.item"].splitlines()[0]
    assert header.endswith("\tyear:float\tsize_cm:token_seq")
    assert lost == ("Columns have other names, for theirs cannot be written: 'size:cm' is 'size_cm'.",)


def test_ids_that_pandas_takes_for_nothing_are_told(tmp_path: Path) -> None:
    version = version_of([("NA", "a", 1), ("b", "null", 2)], tmp_path / "version")
    assert "NA, null" in export_version(version, "recbole", tmp_path / "a.zip")[0]


def test_parquet_is_the_very_version(version: Version, tmp_path: Path) -> None:
    assert export_version(version, "parquet", tmp_path / "a.zip") == ()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in version.path.iterdir())
    table = pq.read_table(tmp_path / "out" / "interactions.parquet")
    assert table.column_names == ["user", "item", "timestamp", "weight"]
    assert table.num_rows == 4
    assert pq.read_table(tmp_path / "out" / "items.parquet")["categories"].to_pylist()[2] == ["Hair Care", "Clothing, Shoes"]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_version_gives_the_same_bytes(version: Version, tmp_path: Path, form: str) -> None:
    for name in ("a.zip", "b.zip"):
        export_version(version, form, tmp_path / name, "x")  # type: ignore[arg-type]
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip", "raw", "version"]


def test_nothing_is_overwritten(version: Version, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        export_version(version, "csv", tmp_path / "a.zip")
    with pytest.raises(UserError, match="cannot be written"):
        export_version(version, "csv", tmp_path / "none" / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "mine"


def test_positions_with_gaps_are_told_and_kept_by_parquet(tmp_path: Path) -> None:
    rows = [("u", "a", 1), ("u", "b", 3), ("v", "a", 1), ("v", "b", 2)]
    version = prepare(raw_data(rows, "order"), FilterSpec(core=0), tmp_path / "version")
    assert "positions with gaps" in export_version(version, "csv-raw", tmp_path / "a.zip")[0]
    export_version(version, "parquet", tmp_path / "b.zip")
    assert read_raw(tmp_path / "a.zip").time == "real"
    assert read_raw(tmp_path / "b.zip").time == "order"


def test_a_bar_in_a_category_is_told(tmp_path: Path) -> None:
    raw = raw_data([("u", "a", 1), ("v", "b", 2)])
    barred = raw.items.with_columns(categories=pl.Series([["x|y", "z"], []], dtype=pl.List(pl.String)))
    version = prepare(type(raw)(raw.interactions, barred, {}, "real"), FilterSpec(core=0), tmp_path / "version")
    assert "1 categories hold a |" in export_version(version, "csv-raw", tmp_path / "a.zip")[0]
    assert read_raw(tmp_path / "a.zip").items["categories"].to_list() == [["x/y", "z"], []]


@pytest.mark.parametrize("name", ["interactions.parquet", "items.parquet", "users.parquet"])
def test_a_downloaded_version_that_lacks_a_file_or_a_row_is_refused(version: Version, name: str) -> None:
    pl.read_parquet(version.path / name).head(1).write_parquet(version.path / name)
    if name != "interactions.parquet":
        with pytest.raises(DataError, match=rf"{name}: the version is damaged, it has no row"):
            read_raw(version.path)
    (version.path / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing|no data found"):
        read_raw(version.path)


def test_a_version_read_again_splits_as_before(tmp_path: Path) -> None:
    rows = [(f"u{user}", f"i{item % 7}", 1_600_000_000 + item * 1000 + user) for user in range(5) for item in range(6)]
    version = version_of(rows, tmp_path / "version")
    export_version(version, "recbole", tmp_path / "a.zip")
    again = prepare(read_raw(tmp_path / "a.zip"), FilterSpec(core=0), tmp_path / "again")
    assert leave_one_out(again).hash == leave_one_out(version).hash


def test_duckdb_reads_what_is_downloaded(version: Version, tmp_path: Path) -> None:
    export_version(version, "parquet", tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "out")
    sql = (
        "SELECT u.id, i.id, timestamp, weight FROM read_parquet('{0}/interactions.parquet') l "
        "JOIN read_parquet('{0}/users.parquet') u ON u.index = l.user "
        "JOIN read_parquet('{0}/items.parquet') i ON i.index = l.item ORDER BY timestamp"
    )
    with duckdb.connect() as connection:
        rows = connection.sql(sql.format(tmp_path / "out")).fetchall()
    assert rows == [
        ("=u1", "i1", 1_600_000_000, 5.0),
        ("=u1", "i2", 1_600_000_001, 2.5),
        ("u2", "-7", 1_600_000_002, -1.0),
        ("u2", "@x", 1_600_000_003, 4.0),
    ]


def test_csv_for_people_knows_wide_signs_and_leading_blanks(tmp_path: Path) -> None:
    log = "user_id,item_id,timestamp\nu1,\uff1d1+1,1600000000\nu1,b,1600000001\nu2, =1+1,1600000002\nu2,b,1600000003\n"
    version = prepare(read_raw(write_folder(tmp_path / "wide", log)), FilterSpec(core=0), tmp_path / "v")
    export_version(version, "csv", tmp_path / "a.zip")
    rows = list(csv.DictReader(texts(tmp_path / "a.zip")["interactions.csv"].splitlines()))
    assert [row["item_id"] for row in rows] == ["'\uff1d1+1", "b", "' =1+1", "b"]
