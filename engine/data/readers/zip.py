"""A zip archive with any layout that another reader knows, at its top or in a folder there."""

import tempfile
from dataclasses import replace
from pathlib import Path

from engine.data.archive import unpack
from engine.data.content import content_kind
from engine.data.raw import RawData
from engine.data.readers.registry import Reader, find_reader, register_reader
from engine.data.version import file_sha256
from engine.errors import DataError


def _recognises(path: Path) -> bool:
    return path.is_file() and content_kind(path) == "zip"


def _read(path: Path) -> RawData:
    with tempfile.TemporaryDirectory(prefix="archive-") as scratch:
        folder = Path(scratch) / path.name
        notices = unpack(path, folder)
        place, reader = _find(path.name, folder)
        raw = reader.read(place)
    sources = {path.name: file_sha256(path)} | {f"{path.name}/{name}": digest for name, digest in raw.sources.items()}
    return replace(raw, sources=sources, notices=notices + raw.notices)


def _find(name: str, folder: Path) -> tuple[Path, Reader]:
    """What is to be read, and by which reader: the folder, the one folder in it that a reader knows, or the only file."""
    inner = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    files = [entry for entry in folder.rglob("*") if entry.is_file()]
    for candidates in ([folder], inner, files if len(files) == 1 else []):
        known = [(candidate, reader) for candidate in candidates if (reader := find_reader(candidate))]
        if len(known) > 1:
            places = ", ".join(place.name for place, _ in known)
            raise DataError(f"{name} holds data in several folders: {places}.", "Pack the one that is meant.")
        if known:
            return known[0]
    shown = ", ".join(sorted(str(file.relative_to(folder)) for file in files)[:20])
    raise DataError(f"{name}: no data found in the archive, which holds {shown}.", "Pack the folder that holds the data.")


register_reader("zip", Reader("a zip archive with any of these", _recognises, _read))
