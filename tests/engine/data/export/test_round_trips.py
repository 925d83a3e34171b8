"""What is exported and read again is the same version: the property of every format but that for people."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.catalogue import clean_text, with_orphans
from engine.data.export import Format, export_version
from engine.data.prepare import prepare
from engine.data.raw import RawData
from engine.data.read import read_raw
from engine.data.version import Version
from engine.spec import FilterSpec

FAITHFUL: tuple[Format, ...] = ("parquet", "csv-raw", "recbole")
_UNREADABLE = "\x00"
NASTY = st.sampled_from(
    [
        '"',
        '"a',
        "a,b",
        "a;b",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "\r",
        "=1+1",
        "-5",
        "'x",
        " a ",
        "\u00a0",
        "a\u2060,b",
        "é",
        "😀",
        "{}",
        "NA",
        "<b>",
    ]
)
IDS = NASTY | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
TEXTS = NASTY | st.just("") | st.text(st.characters(exclude_categories=["Cs"], exclude_characters=_UNREADABLE), max_size=12)
WEIGHTS = st.sampled_from([None, 1.0, 0.1, -2.5, 3.3333333, 1e-9, 1e20])


@st.composite
def raws(draw: st.DrawFn) -> RawData:
    """Raw data as a reader gives it: texts cleaned, ids as they were, times with milliseconds now and then."""
    ids = draw(st.lists(IDS, min_size=2, max_size=5, unique=True))
    users = draw(st.lists(IDS, min_size=2, max_size=4, unique=True))
    row = st.tuples(st.sampled_from(users), st.sampled_from(ids), st.sampled_from([1_600_000_000, 1_600_000_001, 5]), WEIGHTS)
    rows = draw(st.lists(st.tuples(row, st.sampled_from([0, 0, 1, 7])), min_size=2, max_size=12))
    rows += [((user, ids[0], 9, None), 0) for user in users]
    frame = pl.DataFrame(
        [(*first, fraction) for first, fraction in rows],
        schema={"user": pl.String, "item": pl.String, "timestamp": pl.Int64, "weight": pl.Float32, "fraction": pl.Int32},
        orient="row",
    )
    listed = draw(st.lists(st.sampled_from(ids), unique=True))
    cells: dict[str, Any] = {name: [draw(TEXTS) for _ in listed] for name in ("title", "description", "brand", "Größe, cm")}
    members = [[member.replace("|", "") for member in draw(st.lists(TEXTS, max_size=3))] for _ in listed]
    items = pl.DataFrame(
        {"id": listed, **cells, "categories": members},
        schema={"id": pl.String, **dict.fromkeys(cells, pl.String), "categories": pl.List(pl.String)},
    ).select("id", "title", "categories", "description", "brand", "Größe, cm")
    items = items.with_columns(clean_text(pl.col(name)) for name in cells)
    inner = clean_text(pl.element())
    items = items.with_columns(
        title=pl.when(pl.col("title") == "").then("id").otherwise("title"),
        categories=pl.col("categories")
        .list.eval(inner)
        .list.eval(pl.element().filter(pl.element() != "").unique(maintain_order=True)),
    )
    catalogue, _ = with_orphans(items, frame["item"])
    return RawData(frame, catalogue, {}, "real")


def read_again(version: Version, form: Format, folder: Path) -> tuple[Version, tuple[str, ...]]:
    out = folder / f"{form}.zip"
    lost = export_version(version, form, out, "Nasty: name")
    return prepare(read_raw(out), FilterSpec(core=0), folder / f"again-{form}"), lost


@settings(max_examples=40, deadline=None)
@given(raws())
def test_every_faithful_format_gives_the_same_hash(raw: RawData) -> None:
    with tempfile.TemporaryDirectory() as folder:
        version = prepare(raw, FilterSpec(core=0), Path(folder) / "version")
        for form in FAITHFUL:
            again, lost = read_again(version, form, Path(folder))
            assert again.hash == version.hash, form
            assert again.manifest.time == "real"
            assert all("missing values" in sentence for sentence in lost)


@pytest.mark.parametrize("name", ["ml-100k", "amazon-beauty-2014"])
def test_real_data(shared_data: Path, tmp_path: Path, name: str) -> None:
    version = prepare(read_raw(shared_data / name), FilterSpec(core=0), tmp_path / "version")
    for form in FAITHFUL:
        again, lost = read_again(version, form, tmp_path)
        assert (again.hash, again.manifest.time, lost) == (version.hash, version.manifest.time, ())


@pytest.mark.parametrize("form", ["parquet", "csv-raw"])
def test_an_imported_split_and_candidates_come_back(tmp_path: Path, form: Format) -> None:
    columns = {
        "user": ["u", "u", "u", "v", "v"],
        "item": ["a", "b", "a", "b", "a"],
        "timestamp": range(1_600_000_000, 1_600_000_005),
    }
    parts = pl.Series([0, 1, 2, 0, 2], dtype=pl.UInt8)
    log = pl.DataFrame(columns).with_columns(weight=pl.lit(None, pl.Float32), part=parts)
    items, _ = with_orphans(None, log["item"])
    lists = pl.DataFrame({"user": ["u", "u", "v"], "item": ["a", "b", "a"]})
    raw = RawData(log, items, {}, "real", candidates=lists)
    version = prepare(raw, FilterSpec(core=0), tmp_path / "version")
    assert export_version(version, form, tmp_path / "out.zip") == ()
    again = prepare(read_raw(tmp_path / "out.zip"), FilterSpec(core=0), tmp_path / "again")
    assert again.hash == version.hash
    assert again.part is not None
    assert again.part.tolist() == [0, 1, 2, 0, 2]
    assert again.candidates is not None
    assert again.candidates.rows() == [(0, 0), (0, 1), (1, 0)]
    assert "split and candidate lists are left out" in export_version(version, "recbole", tmp_path / "rec.zip")[0]
