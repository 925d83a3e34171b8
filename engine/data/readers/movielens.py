"""The folders that MovieLens comes in: ml-100k, ml-1m and ml-10m, and those with headers (ml-latest, ml-20m, ml-25m, ml-32m)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.data.catalogue import ItemColumns
from engine.data.interactions import LogColumns
from engine.data.raw import RawData
from engine.data.readers.assemble import assemble
from engine.data.readers.registry import Reader, register_reader
from engine.data.table import Table, read_table
from engine.data.text import Text, read_text
from engine.errors import DataError

_LOG = ("user_id", "item_id", "rating", "timestamp")
_GENRE_LINE = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|Film-Noir|Horror|Musical|Mystery|"
    "Romance|Sci-Fi|Thriller|War|Western"
)
GENRES = _GENRE_LINE.split("|")
"""The order of the 19 flags at the end of each line of u.item, as u.genre gives it."""
_NO_GENRE = "(no genres listed)"


def _read_100k(path: Path) -> RawData:
    log = read_text(path / "u.data")
    words = read_text(path / "u.item", fallback="latin-1")
    names = ["item_id", "title", "release_date", "video_date", "address", *GENRES]
    flags = read_table(words, columns=names, delimiter="|", quotes=False)
    genres = pl.concat_str(
        [pl.when(pl.col(genre) == "1").then(pl.lit(genre)) for genre in GENRES], separator="|", ignore_nulls=True
    )
    catalogue = replace(flags, frame=flags.frame.select("item_id", "title", categories=genres))
    return _together(read_table(log, columns=_LOG, delimiter="\t", quotes=False), catalogue, {"u.data": log, "u.item": words})


def _read_1m(path: Path) -> RawData:
    log = read_text(path / "ratings.dat")
    words = read_text(path / "movies.dat", fallback="latin-1")
    catalogue = _double_colons(words, ("item_id", "title", "categories"))
    return _together(_double_colons(log, _LOG), catalogue, {"ratings.dat": log, "movies.dat": words})


def _double_colons(text: Text, columns: Sequence[str]) -> Table:
    """Polars and csv know only delimiters of one byte, so the two colons become the unit separator, which no text holds."""
    if b"\x1f" in text.data:
        raise DataError(f"{text.name} holds a control character (0x1F).", "This is no MovieLens file as it was published.")
    return read_table(replace(text, data=text.data.replace(b"::", b"\x1f")), columns=columns, delimiter="\x1f", quotes=False)


def _read_latest(path: Path) -> RawData:
    log = read_text(path / "ratings.csv")
    words = read_text(path / "movies.csv")
    texts = {"ratings.csv": log, "movies.csv": words}
    columns = LogColumns(user="userId", item="movieId")
    return _together(read_table(log), read_table(words), texts, columns, ItemColumns(id="movieId", categories="genres"))


def _together(
    log: Table,
    catalogue: Table,
    texts: dict[str, Text],
    columns: LogColumns | None = None,
    item_columns: ItemColumns | None = None,
) -> RawData:
    raw = assemble(log, catalogue, {name: text.sha256 for name, text in texts.items()}, columns, item_columns)
    genres = pl.col("categories").list.eval(pl.element().filter(pl.element() != _NO_GENRE))
    return replace(raw, items=raw.items.with_columns(genres))


def _holds(*names: str) -> Callable[[Path], bool]:
    return lambda path: all((path / name).is_file() for name in names)


register_reader("movielens-100k", Reader("MovieLens 100K: u.data and u.item", _holds("u.data", "u.item"), _read_100k))
register_reader(
    "movielens-1m", Reader("MovieLens 1M or 10M: ratings.dat and movies.dat", _holds("ratings.dat", "movies.dat"), _read_1m)
)
register_reader("movielens", Reader("MovieLens: ratings.csv and movies.csv", _holds("ratings.csv", "movies.csv"), _read_latest))
