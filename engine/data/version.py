"""A version: an immutable, content-hashed folder of Parquet files, and its content in memory."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import ValidationError

from engine.data.manifest import FORMAT, MANIFEST, Manifest
from engine.data.sequences import Sequences, offsets_of
from engine.errors import DataError
from engine.result import DataCounts

INTERACTIONS = "interactions.parquet"
ITEMS = "items.parquet"
USERS = "users.parquet"
SPLIT = "split.parquet"
CANDIDATES = "candidates.parquet"
FILES = (INTERACTIONS, ITEMS, USERS)
IMPORTED = (SPLIT, CANDIDATES)
"""Files that only versions have whose source says how to split it, or what to rank."""


@dataclass(frozen=True, eq=False)
class Version:
    """A data set that experiments can rely on: it never changes.

    Attributes:
        path: its folder.
        hash: SHA-256 over the logical rows, hex.
        manifest: what it holds and where it came from.
        users: ids in index order, which is the order of the ids.
        items: ``index``, ``id``, ``title``, ``categories`` (list of text), ``description``, further text, in index order.
        user: int32, `interactions`, 0 to ``users - 1``; rows are sorted by user, time, file order.
        item: int32, `interactions`, 0 to ``items - 1``.
        timestamp: int64, `interactions`, seconds since 1970, or a position where ``manifest.time`` is not ``real``.
        weight: float32, `interactions`: the rating, or 1.
        part: uint8, `interactions`: what the source itself uses them for (see :mod:`engine.data.parts`); None if it does not say.
        candidates: ``user`` and ``item`` int32, sorted: what is ranked for whom at the test; None if the source does not say.
    """

    path: Path
    hash: str
    manifest: Manifest
    users: list[str]
    items: pl.DataFrame
    user: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    timestamp: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float32]
    part: npt.NDArray[np.uint8] | None = None
    candidates: pl.DataFrame | None = None

    @property
    def counts(self) -> DataCounts:
        """How many users, items and interactions there are."""
        return DataCounts(users=len(self.users), items=self.items.height, interactions=len(self.user))

    @cached_property
    def titles(self) -> list[str]:
        """The titles in index order."""
        return self.items["title"].to_list()

    @cached_property
    def item_ids(self) -> list[str]:
        """The ids of the items in index order."""
        return self.items["id"].to_list()

    def sequences(self) -> Sequences:
        """The items of each user, oldest first."""
        return Sequences(offsets_of(self.user, len(self.users)), self.item)


def is_version(folder: Path) -> bool:
    """Whether ``folder`` looks like a version: it has a manifest and the interactions. Nothing is verified."""
    return (folder / MANIFEST).is_file() and (folder / INTERACTIONS).is_file()


def read_version(folder: Path) -> Version:
    """Read a version and verify it.

    Raises:
        DataError: ``folder`` is no version, was written by another format, or a file is missing or damaged.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    there = [name for name in IMPORTED if name in manifest.files]
    for name in (*FILES, *there):
        if not (folder / name).is_file():
            raise DataError(f"{folder}: the version is damaged, {name} is missing.", _AGAIN)
        if file_sha256(folder / name) != manifest.files.get(name):
            raise DataError(f"{folder}: the version is damaged, {name} is not what its manifest says.", _AGAIN)
    rows = pl.read_parquet(folder / INTERACTIONS, glob=False)
    version = Version(
        path=folder,
        hash=manifest.hash,
        manifest=manifest,
        users=pl.read_parquet(folder / USERS, glob=False)["id"].to_list(),
        items=pl.read_parquet(folder / ITEMS, glob=False),
        user=rows["user"].to_numpy(writable=True),
        item=rows["item"].to_numpy(writable=True),
        timestamp=rows["timestamp"].to_numpy(writable=True),
        weight=rows["weight"].to_numpy(writable=True),
        part=pl.read_parquet(folder / SPLIT, glob=False)["part"].to_numpy(writable=True) if SPLIT in there else None,
        candidates=pl.read_parquet(folder / CANDIDATES, glob=False) if CANDIDATES in there else None,
    )
    if version.counts != manifest.counts or (version.part is not None and len(version.part) != len(version.user)):
        raise DataError(f"{folder}: the version is damaged, its counts are not what its manifest says.", _AGAIN)
    return version


_AGAIN = "Prepare it again from the source."


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a version; raises DataError if there is none, or it is damaged or of another format."""
    try:
        text = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise DataError(
            f"{folder} is no prepared version: it has no {MANIFEST}.", "Make one with `python -m engine prepare`."
        ) from error
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise DataError(
            f"{folder}: {MANIFEST} is damaged, or was written by another release (this one reads format {FORMAT}).", _AGAIN
        ) from error


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
