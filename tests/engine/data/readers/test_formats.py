"""The same data has the same hash in whatever format it comes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data.prepare import prepare
from engine.data.raw import RawData
from engine.data.read import read_raw
from engine.data.version import Version
from engine.spec import FilterSpec
from tests.engine.data.readers.sources import FORMATS, pack, pack_each, write_csv


def version(raw: RawData, folder: Path) -> Version:
    return prepare(raw, FilterSpec(core=0), folder)


@pytest.fixture
def expected(tmp_path: Path) -> RawData:
    return read_raw(write_csv(tmp_path / "csv"))


def same(raw: RawData, expected: RawData, folder: Path) -> None:
    columns = expected.interactions.columns
    assert raw.interactions.select(columns).equals(expected.interactions)
    assert raw.items.sort("id").select(expected.items.columns).equals(expected.items.sort("id"))
    assert version(raw, folder / "one").hash == version(expected, folder / "other").hash


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
def test_as_a_folder(tmp_path: Path, expected: RawData, write: Callable[[Path], Path]) -> None:
    raw = read_raw(write(tmp_path / "data"))
    same(raw, expected, tmp_path)
    assert len(raw.sources) == 2


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
def test_as_a_folder_of_gzip_files(tmp_path: Path, expected: RawData, write: Callable[[Path], Path]) -> None:
    same(read_raw(pack_each(write(tmp_path / "data"))), expected, tmp_path)


@pytest.mark.parametrize("inner", ["", "ml-100k"])
@pytest.mark.parametrize("write", [*FORMATS.values(), write_csv], ids=[*FORMATS, "csv"])
def test_as_a_zip_archive(tmp_path: Path, expected: RawData, write: Callable[[Path], Path], inner: str) -> None:
    raw = read_raw(pack(write(tmp_path / "data"), inner))
    same(raw, expected, tmp_path)
    assert len(raw.sources) == 3


@pytest.mark.parametrize("write", [*FORMATS.values(), write_csv], ids=[*FORMATS, "csv"])
def test_the_interactions_alone(tmp_path: Path, expected: RawData, write: Callable[[Path], Path]) -> None:
    folder = write(tmp_path / "data")
    (log,) = (
        path for path in folder.iterdir() if path.name.startswith(("interactions", "shop.inter", "reviews", "Beauty", "All"))
    )
    renamed = log.rename(tmp_path / f"renamed{'.inter' if log.suffix == '.inter' else ''}")
    raw = read_raw(renamed)
    assert raw.interactions.select(expected.interactions.columns).equals(expected.interactions)
    assert raw.items["title"].to_list() == raw.items["id"].to_list() == ["0010", "9", "B"]
