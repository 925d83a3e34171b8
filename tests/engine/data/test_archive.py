import gzip
import io
import stat
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data import archive as archive_module
from engine.data import text as text_module
from engine.data.archive import peek, unpack
from engine.errors import DataError
from tests.engine.data.archives import LOG, patch_directory, write_special, write_zip

SIZE, FLAGS, METHOD = 24, 8, 10
"""Where these fields stand in an entry of a central directory."""


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def refused(path: Path, folder: Path) -> str:
    """The message of the refusal, after which nothing may be there, neither in the folder nor beside it."""
    before = set(path.parent.iterdir()) | {folder}
    with pytest.raises(DataError) as caught:
        unpack(path, folder)
    assert list(folder.iterdir()) == []
    assert set(path.parent.iterdir()) == before
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_at_the_top_and_in_a_folder_come_out(tmp_path: Path, method: int) -> None:
    entries = {"a.csv": LOG, "ml/": b"", "ml/u.data": b"1\t2\n" * 99999, "./b.csv": gzip.compress(LOG), "empty.csv": b""}
    assert unpack(write_zip(tmp_path / "a.zip", entries, method), tmp_path / "out") == ()
    expected = {"a.csv": LOG, "b.csv": entries["./b.csv"], "empty.csv": b"", "ml/u.data": entries["ml/u.data"]}
    assert files(tmp_path / "out") == expected


def test_what_is_no_data_is_left_out_by_its_content_and_told(tmp_path: Path) -> None:
    entries = {
        "log.csv": LOG,
        "photo.csv": b"\x89PNG\r\n\x1a\n" + bytes(99),
        "inner.zip": b"PK\x03\x04" + bytes(99),
        "a/b/deep.csv": LOG,
        "noise.csv": bytes(range(1, 32)) * 9,
        ".hidden": LOG,
        "__MACOSX/._log.csv": LOG,
    }
    (notice,) = unpack(write_zip(tmp_path / "a.zip", entries), tmp_path / "out")
    assert files(tmp_path / "out") == {"log.csv": LOG}
    for part in (
        "photo.csv (a PNG picture)",
        "inner.zip (a zip",
        "a/b/deep.csv (more than one folder deep)",
        "noise.csv (no text)",
    ):
        assert part in notice
    assert "hidden" not in notice


def test_an_archive_without_data_is_refused(tmp_path: Path) -> None:
    assert "holds no data files" in refused(write_zip(tmp_path / "a.zip", {}), tmp_path / "out")
    assert "p.png (a PNG picture)" in refused(write_zip(tmp_path / "b.zip", {"p.png": b"\x89PNG"}), tmp_path / "out")


@pytest.mark.parametrize(
    "name",
    [
        *("../evil.csv", "/root/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:evil.csv", "c:/evil.csv", "//host/share"),
        *("evil\x00.csv", "a\nb", "", ".", "/", "\u202egpj.csv", "long" * 99),
    ],
)
def test_unsafe_paths_are_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    message = refused(write_zip(tmp_path / "a.zip", {"good.csv": LOG, name: LOG}), tmp_path / "out")
    assert "unsafe path" in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("kind", "what"), [(stat.S_IFLNK, "a link"), (stat.S_IFIFO, "a special file"), (stat.S_IFBLK, "special")]
)
def test_links_and_special_files_are_refused(tmp_path: Path, kind: int, what: str) -> None:
    assert what in refused(write_special(tmp_path / "a.zip", kind), tmp_path / "out")


@pytest.mark.parametrize("names", [("a.csv", "a.csv"), ("a.csv", "A.CSV"), ("a.csv", "./a.csv"), ("\u00e9.csv", "e\u0301.csv")])
def test_two_entries_of_one_name_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the first pair
        for name in names:
            archive.writestr(name, LOG)
    assert "two entries of the name" in refused(path, tmp_path / "out")


def test_a_file_and_a_folder_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": LOG, "a/b.csv": LOG})
    assert "a file and a folder of the name a" in refused(path, tmp_path / "out")


@pytest.mark.parametrize("flag", [0x1, 0x40, 0x2000])
def test_encrypted_archives_are_refused(tmp_path: Path, flag: int) -> None:
    path = patch_directory(write_zip(tmp_path / "a.zip", {"a.csv": LOG}), FLAGS, "<H", flag)
    assert "encrypted" in refused(path, tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_cannot_be_counted_are_refused(tmp_path: Path, method: int) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.csv": LOG}, method)
    assert "a method other than deflate" in refused(path, tmp_path / "out")


@pytest.mark.parametrize("size", [1, len(LOG) - 1, len(LOG) + 1, 2**20])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_header_that_lies_about_the_size_is_refused(tmp_path: Path, size: int, method: int) -> None:
    path = patch_directory(write_zip(tmp_path / "a.zip", {"a.csv": LOG}, method), SIZE, "<I", size)
    assert "damaged (size does not match): a.csv" in refused(path, tmp_path / "out")


def test_changed_bytes_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"good.csv": LOG, "a.csv": LOG}, zipfile.ZIP_STORED)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"u2,i2", b"u2,i3"))
    assert "incomplete or damaged" in refused(path, tmp_path / "out")


@pytest.mark.parametrize(("size", "message"), [(2**20, "expands to more than the limit of 50"), (100, "size does not match")])
def test_a_bomb_is_refused_while_it_is_small(tmp_path: Path, size: int, message: str) -> None:
    path = write_zip(tmp_path / "a.zip", {f"{number}.csv": b"1,2\n" * 2**18 for number in range(40)})
    patch_directory(path, SIZE, "<I", size)
    tracemalloc.start()
    assert message in refused(path, tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


def test_the_limit_is_that_of_all_entries_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.csv": b"1,2\n" * 2**17, "b.csv": b"1,2\n" * 2**17})
    monkeypatch.setattr(text_module, "FREE_EXPANSION", 2**20)
    unpack(path, tmp_path / "fits")
    monkeypatch.setattr(text_module, "FREE_EXPANSION", 2**20 - 1)
    assert "expands to more than the limit" in refused(path, tmp_path / "out")


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.zip", {f"{number}.csv": LOG for number in range(9)})
    monkeypatch.setattr(archive_module, "MOST_ENTRIES", 8)
    assert "9 entries, more than the limit of 8" in refused(path, tmp_path / "out")
    monkeypatch.setattr(archive_module, "_LARGEST_DIRECTORY", 400)
    assert "its list of entries is too long" in refused(path, tmp_path / "out")


def test_every_cut_of_an_archive_is_refused(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "a.zip", {"a.csv": LOG, "b.csv": LOG}).read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "cut.zip").write_bytes(whole[:length])
        assert "incomplete or damaged" in refused(tmp_path / "cut.zip", tmp_path / "out")


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not empty"):
        unpack(write_zip(tmp_path / "a.zip", {"a.csv": LOG}), tmp_path)
    assert (tmp_path / "a.zip").exists()


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_a_byte_makes_it_crash_or_write_elsewhere(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(write_zip(tmp_path / "a.zip", {"a.csv": LOG, "b/c.csv": LOG}).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "in" / "changed.zip"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(content))
    out = tmp_path / "in" / "out"
    try:
        unpack(path, out)
    except DataError:
        assert list(out.iterdir()) == []
    assert {entry.name for entry in path.parent.iterdir()} == {"changed.zip", "out"}
    for name in files(out):
        (out / name).unlink()
    for folder in [entry for entry in out.iterdir() if entry.is_dir()]:
        folder.rmdir()


def test_peek_shows_beginnings_and_refuses_what_unpack_refuses(shared_data: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/log.csv", b"user,item\n" * 1000)
        archive.writestr("picture.png", b"\x89PNG\r\n\x1a\n\0\0")
    assert peek("a.zip", packed, len(packed.getvalue()), 10) == {"a/log.csv": b"user,item\n"}
    assert not packed.closed
    for name, words in {
        "31_zip_bomb": "expands to more",
        "32_zip_traversal": "unsafe path",
        "33_zip_symlink": "a link",
        "35_truncated": "incomplete or damaged",
    }.items():
        data = (shared_data / "malformed" / f"{name}.zip").read_bytes()
        with pytest.raises(DataError, match=words):
            peek(name, io.BytesIO(data), len(data), 10)
