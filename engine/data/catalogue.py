"""The table of items: texts cleaned, ids kept as they are, contradictions named by line."""

from dataclasses import dataclass

import polars as pl

from engine.data.interactions import require_column, skipped_notice
from engine.data.raw import ITEM_COLUMNS
from engine.data.table import Table
from engine.errors import DataError

# Direction overrides, isolates and marks, zero-width space, word joiner, invisible operators, byte order mark. The two joiners
# U+200C and U+200D stay: they carry meaning in emoji and in several scripts.
_INVISIBLE = "[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
_CONTROL = r"[\x00-\x1f\x7f-\x9f]"
_EXCEL = r"^[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]{2,}$"
LONG_TITLE = 256
_RESERVED = ("index", *ITEM_COLUMNS)


@dataclass(frozen=True)
class ItemColumns:
    """The names that the columns have in a file; all but the id may be missing there."""

    id: str = "item_id"
    title: str = "title"
    categories: str = "categories"
    description: str = "description"


@dataclass(frozen=True, eq=False)
class Listed:
    """What was read of a table of items: the items, notices, and rows left out as :data:`engine.data.rejected.REJECTED`."""

    items: pl.DataFrame
    notices: tuple[str, ...]
    rejected: pl.DataFrame


def clean_text(text: pl.Expr) -> pl.Expr:
    """Text as it is shown and encoded: NFC, no invisible controls, each run of whitespace one space, none at the ends."""
    spaced = text.fill_null("").str.replace_all(_INVISIBLE, "").str.replace_all(_CONTROL, " ")
    return spaced.str.normalize("NFC").str.replace_all(r"\s+", " ").str.strip_chars()


def read_catalogue(table: Table, columns: ItemColumns) -> Listed:
    """Convert ``table`` to the items of :class:`engine.data.raw.RawData`, orphans not yet added.

    Raises:
        DataError: there is no id column, no row, or one id has two different texts.
    """
    require_column(table, columns.id)
    table = table.skip(table.frame[columns.id] == "", "an empty item id")
    if table.frame.is_empty():
        raise DataError(f"{table.name}: no items in the file.", "It needs a header line and one row for each item.")
    notices = list(table.notices)
    if table.skipped:
        notices.append(skipped_notice(table))
    items = _texts(table, columns, notices)
    items = _without_repeats(table, items, notices)
    notices.extend(_odd_ids(table.name, items["id"]))
    long = items["title"].str.len_chars() > LONG_TITLE
    if long.any():
        which = f"{_have(int(long.sum()))} a title of more than {LONG_TITLE} characters: {_some(items['id'].filter(long))}"
        notices.append(f"{table.name}: {which}. The titles are kept whole; models and pages may cut them.")
    blank = items["title"] == ""
    if blank.any():
        notices.append(f"{table.name}: {_have(int(blank.sum()))} no title; the id stands in: {_some(items['id'].filter(blank))}.")
    items = items.with_columns(title=pl.when(pl.col("title") == "").then("id").otherwise("title"))
    return Listed(items, tuple(notices), table.rejected)


def with_orphans(items: pl.DataFrame | None, used: pl.Series) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """``items`` and, with the id as title, every id in ``used`` that is not among them; None stands for no items file."""
    ids = used.unique().cast(pl.String).sort()
    if items is None:
        return _bare_items(ids), ("There is no items file: the ids of the items stand in for their titles.",)
    orphans = ids.filter(~ids.is_in(items["id"].implode()))
    if orphans.is_empty():
        return items, ()
    notice = f"{_have(len(orphans))} no title (no items file lists them); the ids stand in: {_some(orphans)}."
    return pl.concat([items, _bare_items(orphans)], how="diagonal").with_columns(pl.col(pl.String).fill_null("")), (notice,)


def _bare_items(ids: pl.Series) -> pl.DataFrame:
    empty = pl.lit([], dtype=pl.List(pl.String))
    return pl.select(id=ids, title=ids, categories=empty, description=pl.lit(""))


def _texts(table: Table, columns: ItemColumns, notices: list[str]) -> pl.DataFrame:
    frame = table.frame
    named = {columns.id, columns.title, columns.categories, columns.description}
    further = [name for name in frame.columns if name not in named]
    if taken := [name for name in further if name in _RESERVED]:
        notices.append(f"{table.name}: columns left out, their names are taken: {', '.join(taken)}.")

    def text(name: str) -> pl.Expr:
        return clean_text(pl.col(name)) if name in frame.columns else pl.lit("")

    categories = (
        pl.col(columns.categories).str.split("|").list.eval(clean_text(pl.element()))
        if columns.categories in frame.columns
        else pl.lit([], dtype=pl.List(pl.String))
    )
    return frame.select(
        id=pl.col(columns.id),
        title=text(columns.title),
        categories=categories.list.eval(pl.element().filter(pl.element() != "").unique(maintain_order=True)),
        description=text(columns.description),
        **{name: text(name) for name in further if name not in _RESERVED},
    )


def _without_repeats(table: Table, items: pl.DataFrame, notices: list[str]) -> pl.DataFrame:
    repeated = items["id"].is_duplicated()
    if not repeated.any():
        return items
    rows = items.with_row_index("row").filter(repeated)
    for _, same in rows.group_by("id", maintain_order=True):
        for other in same.iter_rows(named=True):
            if differing := [name for name in items.columns if other[name] != same.to_dicts()[0][name]]:
                what = "titles" if "title" in differing else differing[0]
                lines = f"lines {table.line(same['row'][0])} and {table.line(other['row'])}"
                raise DataError(
                    f"{table.name}: item_id {other['id']} occurs on {lines} with different {what}.",
                    "Keep one of the two rows.",
                )
    single = items.unique("id", keep="first", maintain_order=True)
    notices.append(f"{table.name}: {items.height - single.height:,} repeated rows of the same item were dropped.")
    return single


def _odd_ids(name: str, ids: pl.Series) -> list[str]:
    notices = []
    blank = ids != ids.str.strip_chars()
    if blank.any():
        shown = ", ".join(repr(value) for value in ids.filter(blank).head(5))
        notices.append(f"{name}: {_have(int(blank.sum()))} blanks at the ends of the id, which are kept: {shown}.")
    excel = ids.str.contains(_EXCEL)
    if excel.any():
        notices.append(
            f"{name}: {_have(int(excel.sum()))} an id in a spreadsheet's scientific notation, whose last digits may be lost: "
            f"{_some(ids.filter(excel))}."
        )
    return notices


def _have(count: int) -> str:
    return f"{count:,} item{' has' if count == 1 else 's have'}"


def _some(ids: pl.Series, most: int = 10) -> str:
    rest = f" and {len(ids) - most:,} more" if len(ids) > most else ""
    return ", ".join(ids.head(most)) + rest
