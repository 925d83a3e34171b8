"""Zip archives of unknown origin: unpacked into a scratch folder, or refused with nothing left behind.

Nothing that an archive says about itself is believed: bytes are counted as they come out, names are checked before the first
byte is written, and of what is inside only text, gzip and Parquet is taken, by content.
"""

import copy
import io
import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from engine.data.content import kind_of
from engine.data.text import LARGEST_RATIO, LARGEST_UNPACKED, binary_kind, expansion_limit
from engine.errors import DataError

MOST_ENTRIES = 1000
_CHUNK = 2**20
_PEEKED = 50
_LONGEST_NAME = 200
_LARGEST_DIRECTORY = 4 * 2**20
_PACKED_BY = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The other methods can give gigabytes for one block, before a byte can be counted."""
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DRIVE = re.compile("[A-Za-z]:")
_TAKEN = ("text", "json", "parquet", "gzip")
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
_AGAIN = "Pack or upload it again."
_PLAIN = "Pack the data files themselves again, with zip's usual settings."


def unpack(path: Path, folder: Path) -> tuple[str, ...]:
    """Unpack the zip archive at ``path``; returns notices about entries that were left out.

    Files at the top and in folders there are taken if they are text, gzip or Parquet by content. Hidden files, all others and
    what lies deeper is left out. After an error ``folder`` is as empty as before.

    Args:
        path: the archive.
        folder: an empty folder, or one that is yet to be made; nothing is written outside it.

    Raises:
        DataError: the archive is damaged, encrypted, lies about a size, expands beyond
            :func:`engine.data.text.expansion_limit`, or holds an unsafe path, a link, two entries of one name, too many
            entries, or nothing that can be used.
        ValueError: ``folder`` is not empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty")
    try:
        with path.open("rb", buffering=0) as raw, _Bounded(raw) as stream:
            return _Unpacking(path.name, expansion_limit(path.stat().st_size), folder).run(stream)
    except BaseException:
        for entry in folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        raise


def peek(name: str, stream: BinaryIO, stored: int, most: int, whole: int = 0) -> dict[str, bytes]:
    """How each of the first 50 entries begins that :func:`unpack` would take, by its place in the archive; nothing is written.

    Args:
        name: file name, for messages.
        stream: the archive, which can seek; only its list and the beginnings are read.
        stored: its size in bytes.
        most: bytes of each entry.
        whole: Parquet, whose description is at its end, is given whole up to so many bytes, and else left out.

    Raises:
        DataError: as :func:`unpack`, as far as that can be told from the list and the beginnings.
    """
    work = _Unpacking(name, expansion_limit(stored), Path())
    heads: dict[str, bytes] = {}
    bounded = _Bounded(cast(io.RawIOBase, stream))
    try:
        with work.damage_told():
            archive = zipfile.ZipFile(bounded)
        for place, entry in list(work.checked(archive.infolist()).items())[:_PEEKED]:
            with closing(work.chunks(archive, entry)) as chunks:
                head = next(chunks, b"")
                kind = kind_of(head)
                head = head + b"".join(chunks) if kind == "parquet" and entry.file_size <= whole else head[:most]
            if kind in _TAKEN and (kind != "parquet" or entry.file_size <= whole):
                heads[str(place)] = head
    finally:
        # Else it would close what it was given.
        bounded.detach()
    if not heads:
        raise DataError(f"{name}: the archive holds no data files.", _PLAIN)
    return heads


class _Bounded(io.BufferedReader):
    """A file that gives no more than 4 MiB at once: zipfile reads the list of entries whole, which may be all of the file."""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = size if size is not None and size >= 0 else _LARGEST_DIRECTORY + 1
        data = super().read(min(wanted, _LARGEST_DIRECTORY + 1))
        if len(data) > _LARGEST_DIRECTORY:
            raise zipfile.BadZipFile("its list of entries is too long")
        return data


class _Unpacking:
    """One archive on its way into a folder."""

    def __init__(self, name: str, limit: int, folder: Path) -> None:
        self.name = name
        self.limit = limit
        self.folder = folder
        self.left_out: list[str] = []

    def run(self, stream: _Bounded) -> tuple[str, ...]:
        with self.damage_told():
            archive = zipfile.ZipFile(stream)
        taken = self.checked(archive.infolist())
        written = [self._write(archive, entry, self.folder / place) for place, entry in taken.items()]
        notices = (f"{self.name}: left out of the archive: {_some(self.left_out)}.",) if self.left_out else ()
        if not any(written):
            raise DataError(f"{self.name}: the archive holds no data files. {' '.join(notices)}".rstrip(), _PLAIN)
        return notices

    def checked(self, entries: list[zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
        """The entries to be taken, by their place; raises DataError if one is unsafe, or they say that they are too large."""
        taken = _checked(self.name, entries, self.left_out)
        if sum(entry.file_size for entry in taken.values()) > self.limit:
            raise DataError(
                f"{self.name} expands to more than the limit of {LARGEST_RATIO} times its size or {LARGEST_UNPACKED >> 30} GiB.",
                "Upload the files unpacked.",
            )
        return taken

    def _write(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> bool:
        """Write one entry; whether it is of a kind that is taken."""
        with closing(self.chunks(archive, entry)) as chunks:
            head = next(chunks, b"")
            if kind_of(head) not in _TAKEN:
                self.left_out.append(f"{_shown(entry.filename)} ({binary_kind(head[: 2**16]) or 'no text'})")
                return False
            target.parent.mkdir(exist_ok=True)
            with target.open("xb") as out:
                out.write(head)
                for chunk in chunks:
                    out.write(chunk)
        return True

    def chunks(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Generator[bytes, None, None]:
        """The content of an entry, which must be as long as the entry says; zipfile alone would silently stop there.

        So what comes out of all entries is no more than what they say together, which is within the limit.
        """
        endless = copy.copy(entry)
        endless.file_size = LARGEST_UNPACKED + 1
        come = 0
        with self.damage_told(), archive.open(endless) as stream:
            while chunk := stream.read(_CHUNK):
                come += len(chunk)
                if come > entry.file_size:
                    raise self._wrong_size(entry)
                yield chunk
        if come != entry.file_size:
            raise self._wrong_size(entry)

    @contextmanager
    def damage_told(self) -> Iterator[None]:
        """Whatever a damaged archive makes Python raise becomes a DataError."""
        try:
            yield
        except _DAMAGE as error:
            raise DataError(f"{self.name}: the archive is incomplete or damaged ({error}).", _AGAIN) from error

    def _wrong_size(self, entry: zipfile.ZipInfo) -> DataError:
        return DataError(f"{self.name}: the archive is damaged (size does not match): {_shown(entry.filename)}.", _AGAIN)


def _checked(name: str, entries: list[zipfile.ZipInfo], left_out: list[str]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The entries that may be written, by the place where they go; all are checked, whether they are written or not."""
    if len(entries) > MOST_ENTRIES:
        raise DataError(f"{name}: the archive holds {len(entries):,} entries, more than the limit of {MOST_ENTRIES:,}.", _PLAIN)
    taken: dict[PurePosixPath, zipfile.ZipInfo] = {}
    files: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        place = _safe_place(name, entry)
        folders.update(_key(parent) for parent in ([place] if entry.is_dir() else place.parents))
        if entry.is_dir():
            continue
        if _key(place) in files:
            raise DataError(f"{name}: the archive holds two entries of the name {_shown(str(place))}.", _PLAIN)
        files.add(_key(place))
        if any(part.startswith(".") or part == "__MACOSX" for part in place.parts):
            continue
        if len(place.parts) > 2:
            left_out.append(f"{_shown(entry.filename)} (more than one folder deep)")
        else:
            taken[place] = entry
    if both := sorted(files & folders):
        raise DataError(f"{name}: the archive holds a file and a folder of the name {_shown(both[0])}.", _PLAIN)
    return taken


def _safe_place(name: str, entry: zipfile.ZipInfo) -> PurePosixPath:
    """Where the entry goes, relative to the folder; raises DataError if it must not be written at all."""
    path = entry.orig_filename
    place = PurePosixPath(path)
    unsafe = "\\" in path or not path.isprintable() or place.is_absolute() or _DRIVE.match(path) or ".." in place.parts
    if unsafe or not place.parts or any(len(part.encode()) > _LONGEST_NAME for part in place.parts):
        raise DataError(f"{name}: the archive holds an unsafe path: {_shown(path)}.", _PLAIN)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "a special file"
        raise DataError(f"{name}: the archive holds {what}: {_shown(path)}.", _PLAIN)
    if entry.flag_bits & _ENCRYPTED:
        raise DataError(f"{name}: the archive is encrypted ({_shown(path)}).", "Pack it again without a password.")
    if entry.compress_type not in _PACKED_BY:
        raise DataError(f"{name}: {_shown(path)} is packed by a method other than deflate ({entry.compress_type}).", _PLAIN)
    return place


def _key(place: PurePosixPath) -> str:
    """Names that some file systems take for the same one."""
    return unicodedata.normalize("NFC", str(place)).casefold()


def _shown(path: str) -> str:
    plain = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in path)
    return plain if len(plain) <= _LONGEST_NAME else plain[:_LONGEST_NAME] + "..."


def _some(names: list[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
