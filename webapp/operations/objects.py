"""All objects of the storage, on a disk or in an object store: listed, read, written whole, removed."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from django.core.files import File
from django.core.files.storage import default_storage

from engine.durable import sync
from webapp.storage import local_root

_CHUNK = 2**20
SCRATCH = "scratch"
"""The folder of work in progress (``workers.supervisor.SCRATCH``): worth nothing to anybody else."""


def list_objects(folder: str = "") -> Iterator[str]:
    """The names of all objects, in order; without work in progress and what is on its way (a name that begins with a dot)."""
    if not folder and local_root() is not None and not default_storage.exists(""):
        return
    folders, files = default_storage.listdir(folder)
    before = f"{folder}/" if folder else ""
    yield from (f"{before}{name}" for name in sorted(files) if name and not name.startswith("."))
    for name in sorted(folders):
        if name and not name.startswith(".") and f"{before}{name}" != SCRATCH:
            yield from list_objects(f"{before}{name}")


def read_object(name: str, sink: IO[bytes]) -> bool:
    """Copy an object into ``sink``; False if it is not there (any more)."""
    try:
        with default_storage.open(name) as source:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
    except FileNotFoundError:
        return False
    return True


def write_object(name: str, source: IO[bytes]) -> None:
    """Make ``name`` hold what ``source`` (which can seek) holds, whole or not at all; what was there is replaced."""
    if local_root() is None:
        default_storage.save(name, File(source))
        return
    target = Path(default_storage.path(name))
    target.parent.mkdir(parents=True, exist_ok=True)
    source.seek(0)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".restoring-", delete=False) as sink:
        while chunk := source.read(_CHUNK):
            sink.write(chunk)
    # As the other files of the storage, not for our eyes only.
    Path(sink.name).chmod(0o644)
    sync(Path(sink.name))
    os.replace(sink.name, target)


def delete_object(name: str) -> None:
    """Remove an object, and on a disk the folders that it leaves empty."""
    default_storage.delete(name)
    root = local_root()
    if root is None:
        return
    for parent in PurePosixPath(name).parents:
        folder = root / parent
        if parent == PurePosixPath(".") or not folder.is_dir() or any(folder.iterdir()):
            return
        if not folder.is_symlink():
            folder.rmdir()
