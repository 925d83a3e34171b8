"""From the tables of a source, whatever they were read from, to its raw data."""

import polars as pl

from engine.data.catalogue import ItemColumns, read_catalogue, with_orphans
from engine.data.interactions import LogColumns, read_log
from engine.data.raw import RawData
from engine.data.rejected import of_files
from engine.data.table import Table


def assemble(
    log: Table,
    catalogue: Table | None,
    sources: dict[str, str],
    columns: LogColumns | None = None,
    item_columns: ItemColumns | None = None,
) -> RawData:
    """The raw data in the table of interactions and that of items, if there is one.

    Args:
        log: the interactions.
        catalogue: the items; those that only ``log`` names are added.
        sources: SHA-256 of each file, by file name.
        columns: what the columns of ``log`` are called; None: as we call them.
        item_columns: what those of ``catalogue`` are called.

    Raises:
        DataError: as :func:`engine.data.interactions.read_log` and :func:`engine.data.catalogue.read_catalogue`.
    """
    read = read_log(log, columns or LogColumns())
    notices, rejected = read.notices, {log.name: read.rejected}
    listed: pl.DataFrame | None = None
    if catalogue is not None:
        found = read_catalogue(catalogue, item_columns or ItemColumns())
        listed, notices, rejected[catalogue.name] = found.items, notices + found.notices, found.rejected
    items, orphan_notices = with_orphans(listed, read.interactions["item"])
    return RawData(read.interactions, items, sources, read.time, notices + orphan_notices, of_files(rejected))
