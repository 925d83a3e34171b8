"""The register of readers, and what a reader is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.data.raw import RawData
from engine.registry import Registry


@dataclass(frozen=True)
class Reader:
    """One layout of raw data on disk.

    Attributes:
        looks_for: the files that it needs, in words for people.
        recognises: whether a path (a folder or a file) has this layout; looks at names and at the first bytes of files.
        read: reads it; raises DataError.
        rank: the lowest are asked first: -1 is our own, 0 knows its own names, 1 a layout, 2 takes what nobody knows better.
    """

    looks_for: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], RawData]
    rank: int = 1


READERS: Registry[Reader] = Registry("reader")


def register_reader(name: str, reader: Reader) -> Reader:
    """Add ``reader``; the first that recognises a path reads it. Raises ValueError for a name that is taken or malformed."""
    return READERS.register(name, reader)


def find_reader(path: Path) -> Reader | None:
    """The reader for ``path``, a folder or a file that exists; None if no reader knows it."""
    return next((reader for reader in sorted(READERS, key=lambda reader: reader.rank) if reader.recognises(path)), None)
