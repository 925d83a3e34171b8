from pathlib import Path

import pytest

from engine.data.raw import RawData
from engine.data.read import read_raw, register_reader
from engine.data.readers import READERS, Reader
from engine.errors import DataError


def test_a_folder_that_nothing_reads_tells_what_was_looked_for_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_text("x")
    (tmp_path / "inner").mkdir()
    with pytest.raises(DataError) as caught:
        read_raw(tmp_path)
    for word in ("interactions.csv", "u.data", "ratings.dat", "ratings.csv", "events.parquet", "inner/"):
        assert word in caught.value.message


def test_a_missing_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        read_raw(tmp_path / "nothing")


def test_a_reader_cannot_be_registered_twice() -> None:
    def never(path: Path) -> RawData:
        raise AssertionError(path)

    with pytest.raises(ValueError, match="registered already"):
        register_reader("interactions", Reader("nothing", Path.exists, never))
    own = {"interactions", "interactions-file", "movielens-100k", "movielens-1m", "movielens"}
    assert set(READERS.names()) == own | {"amazon", "recbole", "sasrec", "version", "zip"}
