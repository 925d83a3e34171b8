"""Folders in the object store: uploads, versions, run folders. On a local disk they are used in place."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage, storages


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
    for name in _files(key):
        target = folder / PurePosixPath(name).relative_to(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with default_storage.open(name) as source, tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as sink:
            shutil.copyfileobj(source, sink)
        os.replace(sink.name, target)
    return folder


def publish_folder(folder: Path, key: str) -> None:
    """Make ``key`` hold the files of ``folder``, and no others. Nothing to do where ``folder`` is that place already."""
    root = local_root()
    if root is not None and folder.resolve() == (root / key).resolve():
        return
    wanted = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        wanted[f"{key}/{path.relative_to(folder).as_posix()}"] = path
    for name, path in wanted.items():
        if default_storage.exists(name):
            default_storage.delete(name)
        with path.open("rb") as source:
            default_storage.save(name, File(source))
    for name in _files(key):
        if name not in wanted:
            default_storage.delete(name)


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
    folders, files = default_storage.listdir(key)
    yield from (f"{key}/{name}" for name in files if name)
    for folder in folders:
        yield from _files(f"{key}/{folder}")


def _backend() -> Storage:
    # default_storage is lazy, and wraps nothing before its first use.
    return storages["default"]
