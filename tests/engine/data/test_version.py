import json
from pathlib import Path

import pytest

from engine.data.version import is_version, read_version
from engine.errors import DataError
from tests.engine.data.builders import version_of

ROWS = [("u1", "a", 1), ("u1", "b", 2), ("u2", "a", 1)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return version_of(ROWS, tmp_path / "version").path


def test_a_version_is_recognised(folder: Path, tmp_path: Path) -> None:
    assert is_version(folder)
    assert not is_version(tmp_path)
    assert not is_version(tmp_path / "nothing")


def test_sequences_and_counts(folder: Path) -> None:
    version = read_version(folder)
    assert [sequence.tolist() for sequence in version.sequences()] == [[0, 1], [0]]
    assert version.counts.model_dump() == {"users": 2, "items": 2, "interactions": 3}


@pytest.mark.parametrize("name", ["interactions.parquet", "items.parquet", "users.parquet"])
def test_one_changed_byte_is_noticed(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=f"damaged, {name}"):
        read_version(folder)


@pytest.mark.parametrize("name", ["interactions.parquet", "items.parquet", "users.parquet"])
def test_a_missing_file_is_noticed(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing"):
        read_version(folder)


def test_a_folder_without_manifest_is_no_version(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no prepared version") as caught:
        read_version(tmp_path)
    assert "prepare" in caught.value.hint


@pytest.mark.parametrize("change", [{"format": 2}, {"hash": "x"}, {"extra": 1}, {"counts": {"users": 2}}])
def test_a_manifest_of_another_format_is_refused(folder: Path, change: dict[str, object]) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match="damaged, or was written by another release"):
        read_version(folder)


def test_counts_that_do_not_fit_are_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"users": 2', '"users": 3'))
    with pytest.raises(DataError, match="its counts"):
        read_version(folder)
