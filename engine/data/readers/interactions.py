"""A folder with ``interactions.csv[.gz]`` and perhaps ``items.csv[.gz]``, or one file of interactions."""

from pathlib import Path

import polars as pl

from engine.data.catalogue import ItemColumns, read_catalogue, with_orphans
from engine.data.interactions import LogColumns, read_log
from engine.data.raw import RawData
from engine.data.readers.registry import Reader, register_reader
from engine.data.table import read_table
from engine.data.text import read_text
from engine.errors import DataError


def _find(folder: Path, stem: str) -> Path | None:
    found = [folder / name for name in (f"{stem}.csv", f"{stem}.csv.gz") if (folder / name).is_file()]
    if len(found) > 1:
        raise DataError(f"{folder.name} holds both {found[0].name} and {found[1].name}.", "Keep the one that is meant.")
    return found[0] if found else None


def _is_folder(path: Path) -> bool:
    return any((path / name).is_file() for name in ("interactions.csv", "interactions.csv.gz"))


def _read_folder(path: Path) -> RawData:
    log = _find(path, "interactions")
    if log is None:
        raise DataError(f"{path.name} holds no interactions.csv.", "Put the interactions there.")
    return _read(log, _find(path, "items"))


def _read_file(path: Path) -> RawData:
    return _read(path, None)


def _read(log: Path, catalogue: Path | None) -> RawData:
    text = read_text(log)
    sources = {log.name: text.sha256}
    interactions, time, notices = read_log(read_table(text), LogColumns())
    del text
    items: pl.DataFrame | None = None
    if catalogue is not None:
        words = read_text(catalogue)
        sources[catalogue.name] = words.sha256
        items, item_notices = read_catalogue(read_table(words), ItemColumns())
        notices += item_notices
    items, orphan_notices = with_orphans(items, interactions["item"])
    return RawData(interactions, items, sources, time, notices + orphan_notices)


register_reader(
    "interactions",
    Reader(
        "interactions.csv or interactions.csv.gz (beside it, if there is one, items.csv or items.csv.gz)",
        _is_folder,
        _read_folder,
    ),
)
register_reader("interactions-file", Reader("a single file of interactions", Path.is_file, _read_file))
