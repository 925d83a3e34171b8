"""A version as ``interactions.csv`` and ``items.csv``: for people, who open them in spreadsheets, or as they are."""

import re
from pathlib import Path

import polars as pl

from engine.data.candidates import named_candidates
from engine.data.export.tables import Tables, tables_of, text_or_nothing
from engine.data.formulas import FORMULA
from engine.data.parts import PARTS
from engine.data.version import Version

_NUMBER = r"^[+-]?[0-9]+(?:[.,][0-9]+)?$"


def write_csv(version: Version, folder: Path, raw: bool) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Write the two files into ``folder``; returns them by name, and what is lost in them.

    Args:
        raw: leave cells that a spreadsheet would take for formulas as they are. If not, an apostrophe stands before them.
    """
    tables = tables_of(version, forbidden=";\t")
    escaped = 0
    if not raw:
        tables, escaped = _escaped(tables)
    files, frames = {}, {"interactions.csv": _with_parts(version, tables.log), "items.csv": text_or_nothing(tables.items)}
    if (lists := named_candidates(version)) is not None:
        frames["candidates.csv"] = lists.rename({"user": "user_id", "item": "item_id"})
    for name, frame in frames.items():
        files[name] = folder / name
        frame.write_csv(files[name])
    lost = tables.lost
    if escaped:
        lost += (
            f"{escaped:,} cells begin with a sign that makes a formula of them in a spreadsheet; an apostrophe stands before it. "
            "The raw CSV format leaves it out.",
        )
    return files, lost


def _with_parts(version: Version, log: pl.DataFrame) -> pl.DataFrame:
    """``log`` with the imported split, as the reader of interactions wants it."""
    if version.part is None:
        return log
    return log.with_columns(split=pl.Series(version.part).replace_strict(list(range(len(PARTS))), PARTS, return_dtype=pl.String))


def _escaped(tables: Tables) -> tuple[Tables, int]:
    log, of_log = _without_formulas(tables.log)
    joined = tables.items.with_columns(pl.col("categories").list.join("|"))
    items, of_items = _without_formulas(joined)
    split = (
        pl.when(pl.col("categories") == "").then(pl.lit([], pl.List(pl.String))).otherwise(pl.col("categories").str.split("|"))
    )
    return Tables(log, items.with_columns(categories=split), tables.lost), of_log + of_items


def _without_formulas(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    headings = {name: f"'{name}" for name in frame.columns if re.match(FORMULA, name)}
    names = [name for name, kind in frame.schema.items() if kind == pl.String]
    formulas = {name: pl.col(name).str.contains(FORMULA) & ~pl.col(name).str.contains(_NUMBER) for name in names}
    count = int(frame.select(formula.sum() for formula in formulas.values()).sum_horizontal().item())
    if not count:
        return frame.rename(headings), len(headings)
    escaped = frame.with_columns(
        pl.when(formula).then(pl.concat_str(pl.lit("'"), name)).otherwise(name).alias(name) for name, formula in formulas.items()
    )
    return escaped.rename(headings), count + len(headings)
