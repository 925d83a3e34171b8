import tempfile
from pathlib import Path

import pytest

from engine.data.read import read_raw
from engine.data.version import file_sha256
from engine.errors import DataError
from tests.engine.data.archives import LOG, write_zip
from tests.engine.data.readers.sources import pack
from tests.engine.data.readers.test_movielens import write_1m, write_100k, write_csv, write_latest


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, which must be empty when an archive has been read or refused."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("inner", ["", "ml"])
@pytest.mark.parametrize("write", [write_100k, write_1m, write_latest])
def test_movielens_archives(tmp_path: Path, scratch: Path, write: object, inner: str) -> None:
    assert callable(write)
    path = pack(write(tmp_path / "data"), inner)
    raw, expected = read_raw(path), read_raw(write_csv(tmp_path / "csv"))
    assert raw.items.sort("id").equals(expected.items.sort("id"))
    assert raw.interactions.equals(expected.interactions)
    assert raw.sources[path.name] == file_sha256(path)
    assert all(name.startswith(path.name) for name in raw.sources)
    assert list(scratch.iterdir()) == []


def test_the_name_of_the_file_does_not_matter(tmp_path: Path, scratch: Path) -> None:
    assert read_raw(write_zip(tmp_path / "..zip", {"interactions.csv": LOG})).interactions.height == 2
    assert read_raw(write_zip(tmp_path / "log.csv", {"x/interactions.csv": LOG})).interactions.height == 2


def test_a_single_file_of_any_name_is_the_interactions(tmp_path: Path, scratch: Path) -> None:
    assert read_raw(write_zip(tmp_path / "a.zip", {"shop/log.txt": LOG})).interactions.height == 2


def test_what_was_left_out_is_told(tmp_path: Path, scratch: Path) -> None:
    raw = read_raw(write_zip(tmp_path / "a.zip", {"interactions.csv": LOG, "cover.png": b"\x89PNG"}))
    assert "left out of the archive: cover.png" in raw.notices[0]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"a/interactions.csv": LOG, "b/interactions.csv": LOG}, "holds data in several folders: a, b"),
        ({"a.csv": LOG, "b.csv": LOG}, "no data found in the archive, which holds a.csv, b.csv"),
        ({"interactions.csv": b""}, "interactions.csv: the file is empty"),
        ({"../interactions.csv": LOG}, "unsafe path"),
    ],
)
def test_archives_that_cannot_be_read(tmp_path: Path, scratch: Path, entries: dict[str, bytes], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_raw(write_zip(tmp_path / "a.zip", entries))
    assert message in caught.value.message
    assert list(scratch.iterdir()) == []
