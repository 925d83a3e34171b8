"""The archive of a back-up: a tar file (plain, gzip or zstd) with a manifest at its end that has the sha256 of all before it.

``database.dump`` is pg_dump's own format; ``objects/NAME`` are the objects of the storage. The manifest comes last, so that an
archive that ends too early has none.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.durable import sync
from engine.errors import UserError

FORMAT = 1
DATABASE = "database.dump"
MANIFEST = "manifest.json"
OBJECTS = "objects/"
ENDINGS = (".tar", ".tar.gz", ".tar.zst")
_SPOOL_BYTES = 2**24
_CHUNK = 2**20
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, OSError)


class Member(BaseModel):
    """One file of the archive: its size in bytes and its sha256."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    size: int
    sha256: str


class Manifest(BaseModel):
    """What the archive holds and what it came from.

    Attributes:
        made_at: when, in UTC, by ISO 8601.
        software: version of DARec Lab; empty where it is not installed as a package.
        postgres: major version of the server.
        migrations: names of the applied migrations, ``app.name``.
        rows: number of rows of each table.
        members: all files but the manifest, by name.
        missing: storage folders that the database names and that held nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int = FORMAT
    made_at: str
    software: str
    postgres: int
    migrations: list[str]
    rows: dict[str, int]
    members: dict[str, Member]
    missing: list[str]


class Writer:
    """Adds files to an archive that is being made. Use ``new_archive``."""

    def __init__(self, tar: tarfile.TarFile, folder: Path) -> None:
        self._tar = tar
        self._folder = folder
        self.members: dict[str, Member] = {}

    @contextmanager
    def spool(self) -> Iterator[IO[bytes]]:
        """A temporary file beside the archive, for what comes from elsewhere: a tar file must know sizes beforehand."""
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=str(self._folder)) as file:
            yield cast(IO[bytes], file)

    def add(self, name: str, file: IO[bytes]) -> None:
        """Add a file that can seek, from its beginning, and remember its hash."""
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        reader = _Hashing(file)
        self._tar.addfile(_entry(name, size), reader)
        self.members[name] = Member(size=size, sha256=reader.hash.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest."""
        text = manifest.model_dump_json(indent=1).encode()
        self._tar.addfile(_entry(MANIFEST, len(text)), io.BytesIO(text))


class _Hashing(io.RawIOBase):
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
    return entry


@contextmanager
def new_archive(path: Path) -> Iterator[Writer]:
    """An archive at ``path``, which is there, whole and on disk, only once the block has ended without an error.

    Only we may read it: it holds hashed passwords. Raises UserError for an ending that is not of ENDINGS, for a file that exists
    and for a folder that does not.
    """
    if not path.name.endswith(ENDINGS):
        raise UserError(f"{path.name}: the name must end with {', '.join(ENDINGS)}.", "The ending chooses the compression.")
    if path.exists():
        raise UserError(f"{path} exists already.", "Choose another name, or remove it first.")
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent}.", "Make it, or choose another one.")
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with ExitStack() as stack:
            file = stack.enter_context(open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"))
            sink = stack.enter_context(_compressing(file, path.name))
            tar = stack.enter_context(tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT))
            yield Writer(tar, path.parent)
        sync(half)
        half.rename(path)
        sync(path.parent)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


@contextmanager
def _compressing(file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    if name.endswith(".gz"):
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6) as packed:
            yield cast(IO[bytes], packed)
    elif name.endswith(".zst"):
        import pyarrow

        with pyarrow.CompressedOutputStream(pyarrow.PythonFile(file, mode="w"), "zstd") as packed:
            yield packed
    else:
        yield file


@contextmanager
def _expanding(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=file, mode="rb") as plain:
                yield cast(IO[bytes], plain)
        elif start == b"\x28\xb5\x2f\xfd":
            import pyarrow

            with pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), "zstd") as plain:
                yield plain
        else:
            yield file


def members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of an archive in their order, each to be read before the next; what a damaged one raises is in _DAMAGED."""
    with _expanding(path) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for entry in tar:
            file = tar.extractfile(entry) if entry.isreg() else None
            if file is None:
                raise _damaged(path, f"{entry.name!r} is no ordinary file")
            yield entry.name, file


def check_archive(path: Path) -> Manifest:
    """Read all of an archive and compare each hash; raises UserError for what is damaged, incomplete or of a newer format."""
    try:
        return _check(path)
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except _DAMAGED as error:
        raise _damaged(path, str(error) or type(error).__name__) from error


def _check(path: Path) -> Manifest:
    found: dict[str, Member] = {}
    text = b""
    for name, file in members(path):
        if text:
            raise _damaged(path, f"{name!r} comes after the manifest")
        if name == MANIFEST:
            text = file.read()
            continue
        if name in found or not (name == DATABASE or _is_object(name)):
            raise _damaged(path, f"{name!r} does not belong there")
        digest, size = hashlib.sha256(), 0
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
        found[name] = Member(size=size, sha256=digest.hexdigest())
    if not text:
        raise _damaged(path, "it ends without a manifest")
    manifest = _parse(path, text)
    wrong = sorted(name for name in found.keys() | manifest.members.keys() if found.get(name) != manifest.members.get(name))
    if wrong or DATABASE not in found:
        raise _damaged(path, f"not as its manifest says: {', '.join(wrong[:3]) or DATABASE}")
    return manifest


def _parse(path: Path, text: bytes) -> Manifest:
    try:
        values: Any = json.loads(text)
        number = values.get("format") if isinstance(values, dict) else None
        if isinstance(number, int) and number > FORMAT:
            raise UserError(f"{path} has format {number}; this software knows {FORMAT}.", "Restore it with a newer release.")
        return Manifest.model_validate(values)
    except (ValueError, ValidationError) as error:
        raise _damaged(path, "its manifest cannot be read") from error


def _is_object(name: str) -> bool:
    key = name.removeprefix(OBJECTS)
    parts = key.split("/")
    clean = all(part not in ("", ".", "..") for part in parts) and "\\" not in key and "\0" not in key
    return name.startswith(OBJECTS) and clean and not PurePosixPath(key).is_absolute()


def _damaged(path: Path, what: str) -> UserError:
    return UserError(f"{path} is damaged, or no back-up of ours: {what}.", "Nothing was changed. Take another back-up.")
