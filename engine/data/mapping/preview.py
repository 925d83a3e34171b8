"""The first rows under a mapping: each cell as it will be read, with what is wrong about it."""

from dataclasses import dataclass

import polars as pl

from engine.data.catalogue import clean_text
from engine.data.mapping.head import Head
from engine.data.mapping.model import FileMapping, Role
from engine.data.times import explain, parse_times

LONGEST_SHOWN = 120


@dataclass(frozen=True)
class Cell:
    """One value: as it stands, as it will be read, and what is wrong with it (empty: nothing)."""

    text: str
    shown: str
    problem: str = ""


@dataclass(frozen=True)
class Preview:
    """The first rows of a file under a mapping.

    Attributes:
        columns: name and role, in order.
        rows: line, what is wrong with the whole row (empty: nothing), and its cells.
        problems: each kind of problem, how many of the rows have it, and the first line.
    """

    columns: tuple[tuple[str, Role], ...]
    rows: tuple[tuple[int, str, tuple[Cell, ...]], ...]
    problems: tuple[tuple[str, int, int], ...]


def preview(head: Head, mapping: FileMapping) -> Preview:
    """``head`` as ``mapping`` has it read."""
    roles = [mapping.roles.get(column, "ignore") for column in head.columns]
    columns = [_cells(role, head.values(column), mapping.separator) for column, role in zip(head.columns, roles, strict=True)]
    rows = []
    found: dict[str, list[int]] = {}
    for place, line in enumerate(head.lines):
        wrong = head.problems.get(place, "")
        cells = tuple(column[place] for column in columns)
        rows.append((line, wrong, cells))
        for problem in [wrong] if wrong else [cell.problem for cell in cells]:
            if problem:
                found.setdefault(problem.partition(":")[0], []).append(line)
    problems = tuple((problem, len(lines), lines[0]) for problem, lines in found.items())
    return Preview(tuple(zip(head.columns, roles, strict=True)), tuple(rows), problems)


def _cells(role: Role, values: list[str], separator: str) -> list[Cell]:
    if role == "ignore":
        return [Cell(_cut(value), _cut(value)) for value in values]
    if role in ("user", "item"):
        return [Cell(_cut(value), _cut(value), "" if value else f"an empty {role}: the row is left out") for value in values]
    if role == "time":
        return _times(values)
    if role == "rating":
        return [_rating(value) for value in values]
    parts = [value.split(separator) if role == "categories" else [value] for value in values]
    cleaned = [_clean(members) for members in parts]
    return [Cell(_cut(value), _cut(" · ".join(filter(None, row)))) for value, row in zip(values, cleaned, strict=True)]


def _times(values: list[str]) -> list[Cell]:
    if not any(value.strip() for value in values):
        return [Cell(value, "the order of the rows") for value in values]
    text = pl.Series("time", values, dtype=pl.String)
    moments = parse_times(text).milliseconds
    shown = moments.cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%d %H:%M:%S").to_list()
    return [
        Cell(_cut(value), moment or "", "" if moment is not None else f"no time: {explain(value)}")
        for value, moment in zip(values, shown, strict=True)
    ]


def _rating(value: str) -> Cell:
    if not value.strip():
        return Cell("", "1 (no rating)")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    good = abs(number) < float("inf")
    return Cell(_cut(value), f"{number:g}" if good else "", "" if good else f"no number: '{value[:40]}'")


def _clean(texts: list[str]) -> list[str]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(clean_text(pl.col("text")))["text"].to_list()


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
