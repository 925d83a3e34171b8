"""Whole files under a mapping, as raw data like any other."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.data.archive import unpack
from engine.data.catalogue import ItemColumns
from engine.data.content import content_kind
from engine.data.interactions import LogColumns, require_column
from engine.data.jsonl import read_jsonl
from engine.data.mapping.model import TEXT_ROLES, FileMapping, Mapping
from engine.data.parquet import read_parquet
from engine.data.raw import RawData
from engine.data.readers.assemble import assemble
from engine.data.table import Table, read_table
from engine.data.text import read_text
from engine.data.version import file_sha256
from engine.errors import DataError

_NONE = "\0none"
"""The name of a column that no file has."""


def read_mapped(log: Path, items: Path | None, mapping: Mapping, report: Callable[[str], None] = lambda step: None) -> RawData:
    """Read the files as ``mapping`` says.

    Args:
        log: the interactions, or a zip archive that holds them, and perhaps the items too.
        items: the items, if they are in a file of their own.
        mapping: what the columns mean; ``file`` names a file in an archive.
        report: is told ``reading`` and ``checking`` as these begin.

    Raises:
        DataError: a file or column that the mapping names is missing, or the content cannot be used.
    """
    if content_kind(log) == "zip":
        return _read_archive(log, mapping, report)
    report("reading")
    table, digest = _table(log, mapping.interactions)
    sources = {log.name: digest}
    listed: Table | None = None
    if mapping.items is not None:
        if items is None:
            raise DataError("The mapping has columns of an items file, but there is none.", "Add the file, or take them out.")
        listed, sources[items.name] = _table(items, mapping.items)
    report("checking")
    read = _chosen(table, mapping.interactions)
    if listed is not None and mapping.items is not None:
        return assemble(read, _chosen(listed, mapping.items), sources, _log(mapping), _catalogue(mapping.items))
    texts = [name for role in TEXT_ROLES for name in mapping.interactions.columns(role)]
    if not texts:
        return assemble(read, None, sources, _log(mapping))
    narrow = replace(read, frame=read.frame.drop(texts))
    catalogue = _items_within(read, mapping.interactions, texts)
    return assemble(narrow, catalogue, sources, _log(mapping), _catalogue(mapping.interactions))


def _read_archive(path: Path, mapping: Mapping, report: Callable[[str], None]) -> RawData:
    report("reading")
    with tempfile.TemporaryDirectory(prefix="archive-") as scratch:
        folder = Path(scratch) / path.name
        notices = unpack(path, folder)
        log = _within(folder, path.name, mapping.interactions)
        items = _within(folder, path.name, mapping.items) if mapping.items else None
        raw = read_mapped(log, items, mapping, report)
    sources = {path.name: file_sha256(path)} | {f"{path.name}/{name}": digest for name, digest in raw.sources.items()}
    return replace(raw, sources=sources, notices=notices + raw.notices)


def _within(folder: Path, name: str, mapping: FileMapping) -> Path:
    there = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    found = there.get(mapping.file) if mapping.file else next(iter(there.values())) if len(there) == 1 else None
    if found is None:
        raise DataError(
            f"{name}: the archive holds no file {mapping.file!r}, but {', '.join(list(there)[:20])}.",
            "Choose a mapping that names one of them.",
        )
    return found


def _table(path: Path, mapping: FileMapping) -> tuple[Table, str]:
    kind = content_kind(path)
    if kind == "parquet":
        return read_parquet(path)
    try:
        text = read_text(path, mapping.encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name}: the text is not {error.encoding} (byte {error.start}).", "Choose another one.") from error
    if kind == "json":
        return read_jsonl(text), text.sha256
    names = None if mapping.header else list(mapping.roles)
    return read_table(text, columns=names, delimiter=mapping.delimiter), text.sha256


def _chosen(table: Table, mapping: FileMapping) -> Table:
    """The columns that have a role, with their categories joined by ``|``, and a notice that names the others."""
    wanted = [name for name, role in mapping.roles.items() if role != "ignore"]
    for name in wanted:
        require_column(table, name)
    frame = table.frame.select(wanted)
    categories = mapping.column("categories")
    if categories and mapping.separator != "|" and categories not in table.lists:
        frame = frame.with_columns(pl.col(categories).str.replace_all(mapping.separator, "|", literal=True))
    unused = [name for name in table.frame.columns if name not in wanted]
    notices = (f"{table.name}: columns not used, as the mapping says: {', '.join(unused)}.",) if unused else ()
    return replace(table, frame=frame, notices=table.notices + notices)


def _log(mapping: Mapping) -> LogColumns:
    names = (mapping.interactions.column(role) or _NONE for role in ("user", "item", "time", "rating"))
    return LogColumns(*names)


def _catalogue(mapping: FileMapping) -> ItemColumns:
    names = (mapping.column(role) or _NONE for role in ("item", "title", "categories", "description"))
    return ItemColumns(*names)


def _items_within(log: Table, mapping: FileMapping, texts: list[str]) -> Table:
    """The items that the rows of a log describe: of each text the first that is not blank; others are counted."""
    item = mapping.column("item") or _NONE
    frame = log.frame.filter(pl.col(item) != "").select(item, *texts)
    blank = [pl.col(name).replace("", None) for name in texts]
    grouped = frame.group_by(item, maintain_order=True)
    first = grouped.agg(expression.drop_nulls().first().fill_null("") for expression in blank)
    several = grouped.agg(expression.drop_nulls().n_unique() > 1 for expression in blank)
    differing = int(several.select(pl.any_horizontal(texts).sum()).item() or 0)
    # A name of its own: rows that were left out are kept by the name of the file.
    name = f"{log.name} (items)"
    notice = f"{name}: {differing:,} items have several different texts; the first of each was taken."
    return Table(name, first, None, 1, notices=(notice,) if differing else ())
