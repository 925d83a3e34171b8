"""A version as RecBole's atomic files: ``NAME.inter`` and ``NAME.item``, tab-separated, with a type behind each column's name.

In a sequence of tokens a blank stands between two members, so a blank inside a member becomes a no-break space. A comma inside a
member is followed by a word joiner, which says that commas separate nothing in this file. Our reader takes both back; RecBole
takes them for letters.
"""

from pathlib import Path

import polars as pl

from engine.data.export.tables import tables_of
from engine.data.readers.recbole import WORD_JOINER
from engine.data.version import Version

_NO_BREAK_SPACE = "\u00a0"
_MISSING = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN",
    "None", "n/a", "nan", "null",
)  # fmt: skip
"""What pandas, by which RecBole reads, takes for no value."""
_NUMBER = r"^-?[0-9]+(?:\.[0-9]+)?$"
_KNOWN = {"user_id": "token", "item_id": "token", "timestamp": "float", "rating": "float", "title": "token_seq"}


def write_recbole(version: Version, folder: Path, name: str) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Write the two files into ``folder``; returns them by their names in an archive, and what is lost in them.

    Args:
        name: of the data set; RecBole wants a folder and files of one name.
    """
    tables = tables_of(version, forbidden=':\t"')
    member = (
        pl.element().str.replace_all(",", f",{WORD_JOINER}", literal=True).str.replace_all(" ", _NO_BREAK_SPACE, literal=True)
    )
    items = tables.items.with_columns(pl.col("categories").list.eval(member).list.join(" "))
    items = items.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)))
    files = {}
    for ending, frame in (("inter", tables.log), ("item", items)):
        files[f"{name}/{name}.{ending}"] = path = folder / f"{name}.{ending}"
        typed = {column: f"{column}:{_type(column, frame[column])}" for column in frame.columns}
        frame.rename(typed).write_csv(path, separator="\t")
    return files, tables.lost + _imported(version) + _taken_for_missing(version)


def _imported(version: Version) -> tuple[str, ...]:
    things = [name for name, thing in (("split", version.part), ("candidate lists", version.candidates)) if thing is not None]
    return (f"The imported {' and '.join(things)} are left out.",) if things else ()


def _type(name: str, cells: pl.Series) -> str:
    if name in _KNOWN:
        return _KNOWN[name]
    filled = cells.drop_nulls()
    return "float" if len(filled) and filled.str.contains(_NUMBER).all() else "token_seq"


def _taken_for_missing(version: Version) -> tuple[str, ...]:
    lost = [one for ids in (version.users, version.item_ids) for one in _MISSING if one in set(ids)]
    if not lost:
        return ()
    return (
        f"RecBole takes these ids for missing values: {', '.join(dict.fromkeys(lost))}. This program reads them as they are.",
    )
