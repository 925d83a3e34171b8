"""Folders in the object store: uploads, versions, run folders. On a local disk they are used in place."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage, storages

from engine.errors import DataError

MARKER = "COMPLETE"
"""The name of ``engine.training.checkpoint.MARKER``: what lies in a folder, or below it, is whole once this file is there."""
_REMEMBERED = 32
_stored_as: dict[str, dict[str, tuple[int, int, int]]] = {}
"""Of the folders that this process has published or fetched last: the local file (inode, time, size) that each name holds."""


def is_disk_full(error: Exception) -> bool:
    """Whether a disk, or somebody's share of it, is full; libraries that write files say it in their own errors."""
    known = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return known or "No space left on device" in str(error)


@contextlib.contextmanager
def taking(what: str) -> Iterator[None]:
    """Around the storing of what a person sends: raises DataError where the disk is full. Whoever writes removes the half."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        message = f"The disk of this server is full: {what} was not stored, and nothing of it is kept."
        raise DataError(message, "Tell whoever runs the server. Once there is room, send it again.") from error


def local_root() -> Path | None:
    """The storage's folder on this machine, or None for an object store."""
    storage = _backend()
    return Path(storage.location) if isinstance(storage, FileSystemStorage) else None


def fetch_folder(key: str, into: Path) -> Path:
    """A local folder with the content of ``key`` (maybe none): the very folder on a local disk, else a copy below ``into``."""
    root = local_root()
    if root is not None:
        folder = root / key
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    folder = into / key
    folder.mkdir(parents=True, exist_ok=True)
    stamps = {}
    for name in _files(key):
        target = folder / PurePosixPath(name).relative_to(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with default_storage.open(name) as source, tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as sink:
            shutil.copyfileobj(source, sink)
        os.replace(sink.name, target)
        stamps[name] = _stamp(target)
    _remember(key, stamps)
    return folder


def publish_folder(folder: Path, key: str) -> None:
    """Make ``key`` hold the files of ``folder``, and no others. Nothing to do where ``folder`` is that place already.

    What this process has stored or fetched before and is the same still is not sent again. Whenever this is interrupted, a
    folder below ``key`` that has a marker of completeness has all of its files: the marker comes last, and goes first.
    """
    root = local_root()
    if root is not None and folder.resolve() == (root / key).resolve():
        return
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    wanted = {f"{key}/{path.relative_to(folder).as_posix()}": path for path in paths}
    stamps = {name: _stamp(path) for name, path in wanted.items()}
    stored, known = set(_files(key)), _stored_as.get(key, {})
    changed = {name for name, stamp in stamps.items() if name not in stored or known.get(name) != stamp}
    for marker in sorted(stored | set(wanted)):
        if _is_marker(marker) and any(name.startswith(marker.removesuffix(MARKER)) for name in changed):
            changed.add(marker)
            _delete(marker, stored)
    for name in sorted(changed & set(wanted), key=lambda name: (_is_marker(name), name)):
        if root is not None:
            _delete(name, stored)
        with wanted[name].open("rb") as source:
            default_storage.save(name, File(source))
    for name in sorted(stored - set(wanted), key=lambda name: (not _is_marker(name), name)):
        default_storage.delete(name)
    _remember(key, stamps)


def _delete(name: str, stored: set[str]) -> None:
    if name in stored:
        default_storage.delete(name)
        stored.discard(name)


def _is_marker(name: str) -> bool:
    return PurePosixPath(name).name == MARKER


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _remember(key: str, stamps: dict[str, tuple[int, int, int]]) -> None:
    _stored_as.pop(key, None)
    _stored_as[key] = stamps
    if len(_stored_as) > _REMEMBERED:
        del _stored_as[next(iter(_stored_as))]


def list_files(key: str) -> list[tuple[str, int]]:
    """The files below ``key``, sorted: their names relative to it, and their sizes in bytes. None in a folder that is not there.

    Files whose name, or whose folder's name, begins with a dot are on their way, and are left out.
    """
    if local_root() is not None and not default_storage.exists(key):
        return []
    names = sorted(name for name in _files(key) if not any(part.startswith(".") for part in name[len(key) :].split("/")))
    return [(name[len(key) + 1 :], default_storage.size(name)) for name in names]


def delete_folder(key: str) -> None:
    """Remove all below ``key``; nothing happens if there is nothing. Raises ValueError for an empty key, which is everything."""
    if not key.strip("/"):
        raise ValueError("an empty key stands for the whole storage")
    root = local_root()
    if root is not None:
        shutil.rmtree(root / key, ignore_errors=True)
        return
    for name in list(_files(key)):
        default_storage.delete(name)


def _files(key: str) -> Iterator[str]:
    try:
        folders, files = default_storage.listdir(key)
    except FileNotFoundError:
        # A folder on disk that is not there yet; an object store knows no folders.
        return
    yield from (f"{key}/{name}" for name in files if name)
    for folder in folders:
        yield from _files(f"{key}/{folder}")


def _backend() -> Storage:
    # default_storage is lazy, and wraps nothing before its first use.
    return storages["default"]
