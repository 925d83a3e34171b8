"""What uploaded files are, judged by their beginnings: a layout that a reader knows, or tables whose columns need a mapping."""

import io
import tempfile
from collections.abc import Mapping as Map
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.data.archive import peek
from engine.data.content import kind_of
from engine.data.mapping.guess import guess_mapping, is_ours
from engine.data.mapping.head import Head, read_head
from engine.data.mapping.model import FileMapping, FileRole, Mapping
from engine.data.readers import READERS
from engine.data.text import PARQUET
from engine.errors import DataError

_BEGINNING = 2**18
_LARGEST_PARQUET = 64 * 2**20


@dataclass(frozen=True)
class Arrived:
    """What was uploaded.

    Attributes:
        layout: what the reader that knows it looks for; empty: the columns have to be mapped.
        heads: first rows of the file of each role; empty where a layout is known, which is no single table.
        guess: a mapping for each file; those in an archive by their place there.
    """

    layout: str
    heads: dict[FileRole, Head]
    guess: dict[FileRole, FileMapping]

    @property
    def needs_mapping(self) -> bool:
        """Whether columns have names other than ours."""
        return not self.layout and not all(is_ours(one, role) for role, one in self.guess.items())


def look_at(files: Map[FileRole, tuple[str, int, BinaryIO]], said: Mapping | None = None) -> Arrived:
    """Look at the beginning of each file.

    Args:
        files: name, size in bytes and content by role; a content that can seek.
        said: what people said about header, delimiter and encoding.

    Raises:
        DataError: a file is empty, damaged, unsafe, or no table.
    """
    name, size, stream = files["interactions"]
    beginning = stream.read(_BEGINNING)
    stream.seek(0)
    if kind_of(beginning) == "zip":
        if "items" in files:
            raise DataError(
                f"{name} is an archive, but there is an items file too.", "Put both into the archive, or upload both."
            )
        return _in_archive(name, peek(name, stream, size, _BEGINNING, _LARGEST_PARQUET), said)
    if layout := _layout({one: _begin(content) for one, _, content in files.values()}, files["interactions"][0]):
        return Arrived(layout, {}, {})
    heads = {role: read_head(one, content, _said(said, role)) for role, (one, _, content) in files.items()}
    guess = {role: guess_mapping(head, role, texts="items" not in files) for role, head in heads.items()}
    return Arrived("", heads, guess)


def _begin(stream: BinaryIO) -> bytes:
    beginning = stream.read(_BEGINNING)
    stream.seek(0)
    return beginning


def _in_archive(name: str, heads: dict[str, bytes], said: Mapping | None) -> Arrived:
    if layout := _layout(heads, None):
        return Arrived(layout, {}, {})
    tables: dict[str, Head] = {}
    problem: DataError | None = None
    for place, beginning in heads.items():
        wanted = next((one for role in ("interactions", "items") if (one := _said(said, role)) and one.file == place), None)
        try:
            tables[place] = read_head(place, io.BytesIO(beginning), wanted)
        except DataError as error:
            problem = error
    if not tables:
        raise problem or DataError(f"{name}: the archive holds no tables.", "Pack the data files again.")
    guesses = {place: guess_mapping(head, "interactions") for place, head in tables.items()}
    # The log is the table in which a column is surely a user; a lone table is one in any case.
    log = max(tables, key=lambda place: (_sure(guesses[place]), len(tables[place].rows)))
    rest = {place: head for place, head in tables.items() if place != log}
    found: dict[FileRole, Head] = {"interactions": tables[log]}
    listed = next((place for place, head in rest.items() if guess_mapping(head, "items").column("item")), None)
    if listed:
        found["items"] = rest[listed]
    guess = {role: guess_mapping(head, role, texts=listed is None) for role, head in found.items()}
    return Arrived("", found, {role: one.model_copy(update={"file": found[role].name}) for role, one in guess.items()})


def _sure(mapping: FileMapping) -> int:
    return sum(mapping.column(role) is not None for role in ("user", "item", "time", "rating"))


def _said(said: Mapping | None, role: str) -> FileMapping | None:
    return getattr(said, role) if said else None


def _layout(beginnings: dict[str, bytes], alone: str | None) -> str:
    """What the reader looks for that knows files of these names and beginnings, other than a table with any columns."""
    if any(beginning.startswith(PARQUET) for beginning in beginnings.values()):
        return ""
    with tempfile.TemporaryDirectory(prefix="look-") as scratch:
        folder = Path(scratch) / "files"
        for name, beginning in beginnings.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(beginning)
        inner = [entry for entry in sorted(folder.iterdir()) if entry.is_dir()]
        places = [folder, *inner] + ([folder / alone] if alone and len(beginnings) == 1 else [])
        for reader in sorted(READERS, key=lambda reader: reader.rank):
            if reader.rank == 1 and any(reader.recognises(place) for place in places):
                return reader.looks_for
    return ""
