import gzip
from pathlib import Path

import pytest

from engine.data.content import content_kind, first_line, first_object, kind_of

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "text"),
        (b"a,b\n1,2\n", "text"),
        ("a,b\n".encode("utf-16"), "text"),
        (b'\xef\xbb\xbf \n{"a": 1}', "json"),
        (b"[1,2]", "text"),
        (b"PAR1....", "parquet"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
        (b"PKs and other dogs\n", "text"),
        (PNG, "other"),
        (b"\x01\x02\x03", "other"),
    ],
)
def test_the_first_bytes_tell_what_a_file_is(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind


@pytest.mark.parametrize(("content", "kind"), [(b"a,b\n", "text"), (b'{"a": 1}', "json"), (b"PAR1", "parquet"), (PNG, "other")])
def test_a_gzip_file_is_what_is_in_it(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content))
    assert content_kind(path) == kind


def test_what_cannot_be_looked_into_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "damaged.gz").write_bytes(b"\x1f\x8b\x08" + b"\xff" * 99)
    assert content_kind(tmp_path / "damaged.gz") == "gzip"
    assert content_kind(tmp_path) == "other"
    assert content_kind(tmp_path / "missing") == "other"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_first_line_is_the_first_that_is_not_blank(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "file").write_bytes("\r\n  \né,b\r\nx".encode(encoding))
    assert first_line(tmp_path / "file") == "é,b"


@pytest.mark.parametrize(("line", "found"), [('{"a": 1}\n[', {"a": 1}), ("[1]", {}), ("x", {}), ("[" * 99999, {}), ("", {})])
def test_the_first_object_is_there_or_not(tmp_path: Path, line: str, found: dict[str, int]) -> None:
    (tmp_path / "file").write_text(line)
    assert first_object(tmp_path / "file") == found
