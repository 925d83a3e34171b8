"""Files of unknown origin as UTF-8 text: gzip, encodings, and the refusal of what is no text."""

import codecs
import hashlib
import io
import zlib
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path

from engine.errors import DataError

LARGEST_RATIO = 50
"""A gzip file that grows to more than this many times its size is refused ..."""
FREE_EXPANSION = 16 * 2**20
"""... once it has passed this many bytes: small files may be as regular as they like ..."""
LARGEST_UNPACKED = 8 * 2**30
"""... and so is one, however large itself, that grows beyond this many bytes."""

GZIP = b"\x1f\x8b"
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
PARQUET = b"PAR1"

_CHUNK = 2**20
_MAGIC = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x7fELF": "a program",
    b"SQLite format 3": "an SQLite database",
    b"\x28\xb5\x2f\xfd": "a zstandard archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
}
_CONTROLS = bytes(set(range(1, 32)) - {9, 10, 12, 13, 27})


@dataclass(frozen=True, eq=False)
class Text:
    """The content of one file.

    Attributes:
        name: file name, for messages.
        data: the content, valid UTF-8 without a byte order mark and without NUL bytes.
        sha256: hex digest of the file as it lies on disk.
        notices: what was detected, in words for people.
    """

    name: str
    data: bytes
    sha256: str
    notices: tuple[str, ...] = ()


def read_text(path: Path, fallback: str | None = None) -> Text:
    """Read ``path``, unpacked if it is gzip.

    Args:
        path: the file.
        fallback: the encoding that this kind of file is known to have if it is not UTF-8; None guesses cp1252, then
            latin-1, and says so in a notice.

    Raises:
        DataError: the file is missing, empty, damaged, binary, holds NUL bytes or expands beyond the limit.
    """
    data, digest = read_bytes(path)
    if not data or data.isspace():
        raise DataError(
            f"{path.name}: the file is empty.", "Upload a file with a header line and one row per interaction or item."
        )
    data, notices = _as_utf8(path.name, data, fallback)
    return Text(path.name, data, digest, notices)


def read_bytes(path: Path) -> tuple[bytes, str]:
    """The content of ``path``, unpacked if it is gzip, and the SHA-256 of the file as it lies on disk.

    Raises:
        DataError: the file cannot be read, is damaged or expands beyond the limit.
    """
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}.", "Check the path and its permissions.") from error
    digest = hashlib.sha256(stored).hexdigest()
    return (_unzip(path.name, stored) if stored.startswith(GZIP) else stored), digest


def expansion_limit(stored: int) -> int:
    """How many bytes ``stored`` packed bytes may grow to."""
    return min(max(FREE_EXPANSION, LARGEST_RATIO * stored), LARGEST_UNPACKED)


def _unzip(name: str, stored: bytes) -> bytes:
    limit = expansion_limit(len(stored))
    unpacked = io.BytesIO()
    try:
        with GzipFile(fileobj=io.BytesIO(stored)) as stream:
            while chunk := stream.read(_CHUNK):
                unpacked.write(chunk)
                if unpacked.tell() > limit:
                    raise DataError(
                        f"{name} expands to more than the limit of {LARGEST_RATIO} times its size "
                        f"or {LARGEST_UNPACKED >> 30} GiB.",
                        "Upload it unpacked.",
                    )
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: the gzip file is incomplete or damaged ({error}).", "Pack or upload it again.") from error
    return unpacked.getvalue()


def _as_utf8(name: str, data: bytes, fallback: str | None) -> tuple[bytes, tuple[str, ...]]:
    for mark, encoding in ((codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16")):
        if data.startswith(mark):
            return _from_utf16(name, data), (f"{name}: read as {encoding}, as its byte order mark says.",)
    data = data.removeprefix(codecs.BOM_UTF8)
    _refuse_binary(name, data)
    wrong = _first_wrong_byte(data)
    if wrong is None:
        return data, ()
    encoding = fallback or _guess(data)
    converted = data.decode(encoding).encode()
    if fallback:
        return converted, ()
    line = data.count(b"\n", 0, wrong) + 1
    return converted, (
        f"{name} is not UTF-8 (line {line}, byte 0x{data[wrong]:02X}); it was read as {encoding}. Check its letters.",
    )


def _from_utf16(name: str, data: bytes) -> bytes:
    try:
        converted = data.decode("utf-16").encode()
    except UnicodeError as error:
        raise DataError(f"{name}: the UTF-16 text is damaged ({error}).", "Save the file as UTF-8.") from error
    _refuse_binary(name, converted)
    return converted


def binary_kind(head: bytes) -> str | None:
    """What the file that begins with ``head`` is, in words; empty: something that is no text; None: perhaps text."""
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return "" if controls > 0.02 * len(head) else None


def _refuse_binary(name: str, data: bytes) -> None:
    hint = "Save the table as CSV (UTF-8) and upload that."
    kind = binary_kind(data[: 64 * 1024])
    if kind is not None:
        raise DataError(f"{name}: this is not a text file{kind and f', but {kind}'}.", hint)
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise DataError(f"{name}: NUL byte at offset {zero} (line {line}); is this a text file?", hint)


def _first_wrong_byte(data: bytes) -> int | None:
    """Offset of the first byte that is not UTF-8, found in chunks, so that no second copy of a large file is made."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    for start in range(0, len(data), _CHUNK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(view[start : start + _CHUNK], final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return start - pending + error.start
    return None


def _guess(data: bytes) -> str:
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
