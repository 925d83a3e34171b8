import gzip
import hashlib
from pathlib import Path

import pytest

from engine.data import text as text_module
from engine.data.text import read_text
from engine.errors import DataError


def write(folder: Path, content: bytes, name: str = "interactions.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_plain_utf8_is_taken_as_it_is(tmp_path: Path) -> None:
    content = "a,b\nñ,é\n".encode()
    text = read_text(write(tmp_path, content))
    assert (text.data, text.sha256, text.notices) == (content, hashlib.sha256(content).hexdigest(), ())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_names_the_encoding_and_goes(tmp_path: Path, encoding: str) -> None:
    assert read_text(write(tmp_path, "a,b\nñ,é\n".encode(encoding))).data == "a,b\nñ,é\n".encode()


def test_other_encodings_are_read_with_a_notice_that_names_line_and_byte(tmp_path: Path) -> None:
    text = read_text(write(tmp_path, "id\nPlain\nCafé €\n".encode("cp1252")))
    assert text.data.decode() == "id\nPlain\nCafé €\n"
    assert "line 3, byte 0xE9" in text.notices[0]
    assert "cp1252" in text.notices[0]


def test_bytes_that_cp1252_lacks_are_read_as_latin_1(tmp_path: Path) -> None:
    text = read_text(write(tmp_path, b"id\n\xe9\x81\n"))
    assert text.data.decode() == "id\n\xe9\x81\n"
    assert "latin-1" in text.notices[0]


def test_the_fallback_of_a_known_format_needs_no_notice(tmp_path: Path) -> None:
    text = read_text(write(tmp_path, b"1|Caf\xe9\n"), fallback="latin-1")
    assert (text.data.decode(), text.notices) == ("1|Café\n", ())


def test_a_wrong_byte_is_found_across_the_borders_of_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "_CHUNK", 4)
    assert read_text(write(tmp_path, "aaaéaaé".encode())).notices == ()
    # The first two bytes of a letter of three end a chunk; the letter never comes.
    assert "byte 0xE2" in read_text(write(tmp_path, b"a\xe2\x82bbbb\n", "cut.csv")).notices[0]


def test_gzip_is_known_by_content_not_by_name(tmp_path: Path) -> None:
    stored = gzip.compress(b"a,b\n1,2\n")
    text = read_text(write(tmp_path, stored))
    assert text.data == b"a,b\n1,2\n"
    assert text.sha256 == hashlib.sha256(stored).hexdigest()


def test_half_a_gzip_file_is_refused(tmp_path: Path) -> None:
    stored = gzip.compress(bytes(range(32, 127)) * 50)
    with pytest.raises(DataError, match="incomplete or damaged"):
        read_text(write(tmp_path, stored[: len(stored) // 2]))


def test_gzip_that_expands_too_far_is_refused_and_less_is_not(tmp_path: Path) -> None:
    small = read_text(write(tmp_path, gzip.compress(b"x" * 2**20)))
    assert len(small.data) == 2**20
    with pytest.raises(DataError, match="expands to more than the limit"):
        read_text(write(tmp_path, gzip.compress(b"x" * (text_module.FREE_EXPANSION + 1)), "bomb.csv.gz"))


@pytest.mark.parametrize("content", [b"", b" \n\n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"interactions\.csv: the file is empty"):
        read_text(write(tmp_path, content))


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"PK\x03\x04rest", bytes(range(1, 32)) * 9])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="this is not a text file"):
        read_text(write(tmp_path, content))


def test_a_nul_byte_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"NUL byte at offset 5 \(line 2\)"):
        read_text(write(tmp_path, b"a,b\n1\x00,2\n"))


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_text(tmp_path / "none.csv")
