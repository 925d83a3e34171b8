"""The folder of a version, as it is downloaded: read like anything that came from outside, nothing in it is believed."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.data.faithful import milliseconds_apart, own_titles
from engine.data.parquet import read_parquet
from engine.data.parts import PARTS
from engine.data.raw import RawData
from engine.data.readers.assemble import assemble
from engine.data.readers.registry import Reader, register_reader
from engine.data.table import Table
from engine.data.version import CANDIDATES, INTERACTIONS, ITEMS, SPLIT, USERS, is_version, read_manifest
from engine.errors import DataError

_COLUMNS = {INTERACTIONS: {"user", "item", "timestamp", "weight"}, ITEMS: {"index", "id", "title"}, USERS: {"index", "id"}}
_AGAIN = "Download the version again."


def _read(path: Path) -> RawData:
    time = read_manifest(path).time
    tables, sources = {}, {}
    for name, wanted in _COLUMNS.items():
        if not (path / name).is_file():
            raise DataError(f"{path.name}: the version is damaged, {name} is missing.", _AGAIN)
        tables[name], sources[name] = read_parquet(path / name)
        if missing := sorted(wanted - set(tables[name].frame.columns)):
            raise DataError(f"{name}: the version is damaged, the column {missing[0]!r} is missing.", _AGAIN)
    log = tables[INTERACTIONS].frame
    # Weights that are all 1 are no ratings.
    rating = {} if (log["weight"] == "1.0").all() else {"rating": log["weight"]}
    ids = {"user_id": _decoded(log["user"], tables[USERS]), "item_id": _decoded(log["item"], tables[ITEMS])}
    named = replace(tables[INTERACTIONS], frame=pl.DataFrame({**ids, "timestamp": log["timestamp"], **rating}))
    items = own_titles(tables[ITEMS].frame.drop("index")).rename({"id": "item_id"})
    raw = assemble(named, replace(tables[ITEMS], frame=items), sources)
    interactions = raw.interactions
    if (fraction := milliseconds_apart(interactions)) is not None:
        interactions = interactions.with_columns(fraction)
    if (path / SPLIT).is_file():
        interactions = interactions.with_columns(part=_parts(path / SPLIT, interactions.height))
    candidates: pl.DataFrame | None = None
    if (path / CANDIDATES).is_file():
        pairs = read_parquet(path / CANDIDATES)[0].frame
        if not {"user", "item"} <= set(pairs.columns):
            raise DataError(f"{CANDIDATES}: the version is damaged, a column is missing.", _AGAIN)
        user, item = _decoded(pairs["user"], tables[USERS]), _decoded(pairs["item"], tables[ITEMS])
        candidates = pl.DataFrame({"user": user, "item": item})
    return replace(raw, interactions=interactions, time=time, candidates=candidates)


def _parts(path: Path, rows: int) -> pl.Series:
    """The part of each interaction; raises DataError for anything else than train, valid and test."""
    frame = read_parquet(path)[0].frame
    codes = frame["part"].cast(pl.UInt8, strict=False) if "part" in frame.columns else pl.Series(dtype=pl.UInt8)
    if len(codes) != rows or codes.null_count() or int(codes.max() or 0) >= len(PARTS):  # type: ignore[arg-type]
        raise DataError(f"{path.name}: the version is damaged, it does not say the part of each interaction.", _AGAIN)
    return codes


def _decoded(codes: pl.Series, table: Table) -> pl.Series:
    """The ids behind ``codes``; raises DataError for one that is no row of ``table``."""
    ids = table.frame["id"]
    rows = codes.cast(pl.Int64, strict=False)
    wrong = ~rows.is_between(0, len(ids) - 1).fill_null(False)
    if wrong.any():
        raise DataError(f"{table.name}: the version is damaged, it has no row {codes.filter(wrong)[0][:40]!r}.", _AGAIN)
    return ids.gather(rows)


register_reader("version", Reader("a version: manifest.json beside its Parquet files", is_version, _read, rank=-1))
