"""RecBole's atomic files: ``name.inter`` and perhaps ``name.item``, tab-separated, with headers such as ``user_id:token``."""

import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.data.catalogue import ItemColumns
from engine.data.content import content_kind, first_line
from engine.data.interactions import LogColumns
from engine.data.raw import RawData
from engine.data.readers.assemble import assemble
from engine.data.readers.registry import Reader, register_reader
from engine.data.table import Table, read_table
from engine.data.text import Text, read_text
from engine.errors import DataError

_FIELD = re.compile(r'"?[^:\t]+:(?:token|token_seq|float|float_seq)"?')
_ENDINGS = (".inter", ".inter.gz")
_TITLES = ("title", "movie_title", "item_name", "name")
_CATEGORIES = ("categories", "category", "genres", "genre", "class", "tags")
WORD_JOINER = "\u2060"
"""An invisible sign behind a comma that is a letter of a member."""
_SEPARATORS = ("|", ", ", ",", " ")
"""Of the members of a sequence: RecBole itself takes a blank, but some of its data have others."""


def _is_atomic(path: Path) -> bool:
    return content_kind(path) == "text" and all(_FIELD.fullmatch(field) for field in first_line(path).split("\t"))


def _logs(path: Path) -> list[Path]:
    entries = sorted(path.iterdir()) if path.is_dir() else [path]
    return [entry for entry in entries if entry.name.endswith(_ENDINGS) and _is_atomic(entry)]


def _read(path: Path) -> RawData:
    logs = _logs(path)
    if len(logs) > 1:
        raise DataError(
            f"{path.name} holds several files of interactions: {', '.join(log.name for log in logs)}.",
            "Keep one, or join them into one: splits are made here, not read.",
        )
    text = read_text(logs[0])
    log, types = _read_atomic(text)
    user, item = _id_names(log, types)
    columns = LogColumns(user=user, item=item)
    catalogue = _catalogue_beside(logs[0]) if path.is_dir() else None
    if catalogue is None:
        return assemble(log, None, {text.name: text.sha256}, columns)
    words = read_text(catalogue)
    items, item_columns = _as_catalogue(*_read_atomic(words), item)
    return assemble(log, items, {text.name: text.sha256, words.name: words.sha256}, columns, item_columns)


def _catalogue_beside(log: Path) -> Path | None:
    stem = log.name.removesuffix(".gz").removesuffix(".inter")
    return next((path for path in (log.with_name(stem + ".item"), log.with_name(stem + ".item.gz")) if path.is_file()), None)


def _read_atomic(text: Text) -> tuple[Table, dict[str, str]]:
    """The table with bare column names, and their types. A title may begin with a quote that is only a letter."""
    try:
        table = read_table(text, delimiter="\t")
    except DataError:
        table = read_table(text, delimiter="\t", quotes=False)
    fields = [name.strip('"').rpartition(":") for name in table.frame.columns]
    names = [name for name, _, _ in fields]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{text.name}: the header names the column {twice[0]!r} twice.", "Rename or remove one of them.")
    renamed = dict(zip(table.frame.columns, names, strict=True))
    return replace(table, frame=table.frame.rename(renamed)), {name: kind for name, _, kind in fields}


def _id_names(log: Table, types: dict[str, str]) -> tuple[str, str]:
    """The columns of users and items: RecBole's own names, or else the first and the second token."""
    tokens = [name for name, kind in types.items() if kind == "token"]
    user = "user_id" if "user_id" in tokens else next(iter(tokens), "user_id")
    rest = [name for name in tokens if name != user]
    return user, "item_id" if "item_id" in rest else next(iter(rest), "item_id")


def _as_catalogue(table: Table, types: dict[str, str], item: str) -> tuple[Table, ItemColumns]:
    """The items with the members of their categories joined by ``|``, and what the columns are called."""
    title = next((name for name in _TITLES if name in types), "title")
    categories = next((name for name in _CATEGORIES if name in types), "categories")
    if types.get(categories) == "token_seq":
        cells = table.frame[categories]
        separator = _separator(cells)
        table = replace(table, frame=table.frame.with_columns(pl.col(categories).str.replace_all(separator, "|", literal=True)))
    return table, ItemColumns(id=item, title=title, categories=categories)


def _separator(cells: pl.Series) -> str:
    """What stands between the members: a blank, where our own export says that its commas separate nothing."""
    if cells.str.contains(WORD_JOINER, literal=True).any():
        return " "
    return next(sign for sign in _SEPARATORS if sign == " " or cells.str.contains(sign, literal=True).any())


register_reader(
    "recbole",
    Reader(
        "RecBole atomic files: name.inter (beside it, if there is one, name.item)",
        lambda path: bool(_logs(path)),
        _read,
    ),
)
