"""The uploaded files of a version on this machine's disk, and the raw data in them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from engine.data.content import content_kind
from engine.data.mapping.model import parse_mapping
from engine.data.raw import RawData
from engine.data.text import GZIP
from engine.errors import DataError
from webapp.datasets.models import Upload, Version
from webapp.datasets.uploads import open_part
from webapp.storage import fetch_folder

_ENDINGS = {"text": "csv", "json": "jsonl", "parquet": "parquet"}


class Note(Protocol):
    """Hears how far the work is: the step, and of it so many bytes, where that is known."""

    def __call__(self, step: str, done: int = 0, of: int = 0) -> None:
        """Take note."""


def read_source(version: Version, scratch: Path, note: Note) -> RawData:
    """The raw data of ``version``, read as its mapping says, or by the reader that knows the layout.

    Args:
        scratch: an empty folder for the files.
        note: is told ``reading`` and ``checking``.

    Raises:
        DataError: parts are missing, or the files cannot be used.
    """
    note("reading")
    upload = Upload.objects.filter(version=version).first()
    if upload is None:
        return _read_layout(fetch_folder(version.upload_key, scratch), note)
    files = _assemble(upload, scratch / "files", note)
    if upload.mapping is not None:
        from engine.data.mapping.read import read_mapped

        return read_mapped(files["interactions"], files.get("items"), parse_mapping(upload.mapping), note)
    return _read_layout(scratch / "files", note, files)


def _assemble(upload: Upload, folder: Path, note: Note) -> dict[str, Path]:
    """Put the parts of each file together, under the name that the person gave it."""
    folder.mkdir(parents=True)
    files = list(upload.files.order_by("role"))
    whole, done = sum(file.size for file in files), 0
    placed: dict[str, Path] = {}
    for file in files:
        path = folder / file.name
        if path.exists():
            path = folder / f"{file.role}-{file.name}"
        with path.open("xb") as sink:
            for part in file.parts.order_by("number"):
                with open_part(part) as source:
                    shutil.copyfileobj(source, sink)
                done += part.size
                note("reading", done, whole)
        if path.stat().st_size != file.size:
            raise DataError(f"{file.name}: parts of the file are missing in the storage.", "Upload it again.")
        placed[file.role] = path
    return placed


def _read_layout(folder: Path, note: Callable[[str], None], files: dict[str, Path] | None = None) -> RawData:
    """By the reader that knows the folder or its only file; failing that, as files of interactions and items by their role."""
    from engine.data.read import read_raw
    from engine.data.readers.registry import find_reader

    note("checking")
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    if files is None or find_reader(folder):
        only = inside[0] if len(inside) == 1 and content_kind(inside[0]) == "zip" else folder
        return read_raw(only)
    if len(files) == 1:
        return read_raw(files["interactions"])
    for role, path in files.items():
        with path.open("rb") as stream:
            packed = ".gz" if stream.read(len(GZIP)) == GZIP else ""
        path.rename(folder / f"{role}.{_ENDINGS.get(content_kind(path), 'csv')}{packed}")
    return read_raw(folder)
