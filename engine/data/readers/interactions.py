"""A folder with ``interactions``, as CSV, TSV, JSON Lines or Parquet, and perhaps ``items`` and ``candidates``; or one file of
interactions. A column ``split`` of the interactions is an imported split.
"""

from dataclasses import replace
from pathlib import Path

from engine.data.candidates import read_candidates
from engine.data.raw import RawData
from engine.data.readers.assemble import assemble
from engine.data.readers.registry import Reader, register_reader
from engine.data.table import Table
from engine.data.tabular import read_file
from engine.errors import DataError

_ENDINGS = tuple(f".{kind}{packed}" for kind in ("csv", "tsv", "jsonl", "parquet") for packed in ("", ".gz"))


def _find(folder: Path, stem: str) -> Path | None:
    found = [folder / f"{stem}{ending}" for ending in _ENDINGS if (folder / f"{stem}{ending}").is_file()]
    if len(found) > 1:
        raise DataError(f"{folder.name} holds both {found[0].name} and {found[1].name}.", "Keep the one that is meant.")
    return found[0] if found else None


def _is_folder(path: Path) -> bool:
    return any((path / f"interactions{ending}").is_file() for ending in _ENDINGS)


def _read_folder(path: Path) -> RawData:
    log = _find(path, "interactions")
    if log is None:
        raise DataError(f"{path.name} holds no interactions.csv.", "Put the interactions there.")
    raw = _read(log, _find(path, "items"))
    lists = _find(path, "candidates")
    if lists is None:
        return raw
    table, digest = read_file(lists)
    candidates, notices = read_candidates(table)
    return replace(raw, candidates=candidates, notices=raw.notices + notices, sources={**raw.sources, lists.name: digest})


def _read_file(path: Path) -> RawData:
    return _read(path, None)


def _read(log: Path, catalogue: Path | None) -> RawData:
    table, digest = read_file(log)
    sources = {log.name: digest}
    items: Table | None = None
    if catalogue is not None:
        items, sources[catalogue.name] = read_file(catalogue)
    return assemble(table, items, sources)


register_reader(
    "interactions",
    Reader(
        "interactions.csv, .tsv, .jsonl or .parquet, perhaps with .gz behind it (beside it, if there is one, items.csv etc.)",
        _is_folder,
        _read_folder,
        rank=0,
    ),
)
register_reader("interactions-file", Reader("a single file of interactions", Path.is_file, _read_file, rank=2))
