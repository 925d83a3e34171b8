"""Columns of the items whose cells name other items or users: also-bought lists, buyers, and what they give away."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.leakage.columns import text_columns
from engine.data.leakage.model import Finding, share
from engine.data.leakage.sides import Sides

_LOOKED_AT = 20_000
"""Items, and users, that are looked at: evenly spread over all."""
_CHARACTERS = 2000
_BETWEEN = r"""[\s,;|()\[\]{}"']+"""
_DISTINCTIVE = "^(?:[^0-9]*[0-9].*[A-Za-z].*|[^0-9]*[A-Za-z].*[0-9].*|[0-9]{7,})$"
_SHORTEST = 6
_SOME, _WHOLE = 0.05, 0.5
_SERIOUS = 0.1


def named_ids(sides: Sides) -> Iterator[Finding | str]:
    """Columns that hold ids of other items, or of users."""
    looked_at = _spread(sides.version.items.height)
    cells = text_columns(sides.version.items.select(pl.all().gather(pl.Series(looked_at))))
    found = 0
    for name, column in cells.items():
        for noun, ids in (("item", sides.version.item_ids), ("user", sides.version.users)):
            edges, filled = _edges(column, looked_at, ids, own=noun == "item")
            if edges is None:
                continue
            found += 1
            told, of = (_told_by_items if noun == "item" else _told_by_users)(sides, edges)
            yield _finding(name, noun, edges["from"].n_unique(), filled, told, of, sides)
    if not found:
        yield "No text of the items names other items or users by their ids."


def _finding(name: str, noun: str, cells: int, filled: int, told: int, of: int, sides: Sides) -> Finding:
    where = "the cell of the last item of their history" if noun == "item" else "the cell of the target itself"
    what = "the target" if noun == "item" else "the user"
    return Finding(
        check=f"{noun}-ids-in-text",
        severity="serious" if told >= max(_SERIOUS * of, 2) else "warning",
        title=f"{name}: {cells:,} of {filled:,} cells hold ids of {'other items' if noun == 'item' else 'users'}.",
        text=f"Such lists (also bought, viewed next, bought by) are made from interactions, maybe from those of the test. For "
        f"{told:,} of {of:,} users looked at ({share(told, of)}) {what} stands in {where}.",
        advice="Leave the column out, or keep what was known before the first test time only.",
        count=cells,
        of=filled,
        column=name,
    )


def _edges(column: pl.Series, codes: npt.NDArray[np.int64], ids: list[str], own: bool) -> tuple[pl.DataFrame | None, int]:
    """``from`` (item) and ``to`` (code of the id) for each id that a cell names; None if the column is no list of ids.

    Also the number of cells that are not empty.
    """
    known = pl.DataFrame({"token": ids, "to": np.arange(len(ids))}, schema={"token": pl.String, "to": pl.Int64})
    frame = pl.DataFrame({"from": codes, "cell": column.str.slice(0, _CHARACTERS)}).filter(pl.col("cell") != "")
    filled = frame.height
    tokens = frame.select("from", token=pl.col("cell").str.replace_all(_BETWEEN, " ").str.strip_chars().str.split(" "))
    tokens = tokens.explode("token", empty_as_null=False).filter(pl.col("token") != "").join(known, on="token", how="left")
    if own:
        tokens = tokens.filter(pl.col("to").is_null() | (pl.col("to") != pl.col("from")))
    if not filled or not tokens["to"].count():
        return None, filled
    by_cell = tokens.group_by("from").agg(named=pl.col("to").count(), words=pl.len())
    whole = by_cell.filter(pl.col("named") == pl.col("words"))
    # A cell with one small number is a year or a size, even if an item has that number.
    lists = whole.height >= _WHOLE * filled and (whole["words"].mean() or 0) >= 2  # type: ignore[operator]
    telling = (pl.col("token").str.len_chars() >= _SHORTEST) & pl.col("token").str.contains(_DISTINCTIVE)
    edges = tokens.filter(pl.col("to").is_not_null())
    if not lists:
        edges = edges.filter(telling)
    if edges["from"].n_unique() < max(_SOME * filled, 2):
        return None, filled
    return edges.select("from", "to"), filled


def _told_by_items(sides: Sides, edges: pl.DataFrame) -> tuple[int, int]:
    """Users whose target is named by the last item of their history, and how many were asked."""
    users, targets = sides.split.targets("test")
    some = _spread(len(users))
    pairs = []
    for user, target in zip(users[some].tolist(), targets[some].tolist(), strict=True):
        history = sides.split.history(user, "test")
        if len(history) and history[-1] != target:
            pairs.append((int(history[-1]), target))
    return _among(pairs, edges), len(pairs)


def _told_by_users(sides: Sides, edges: pl.DataFrame) -> tuple[int, int]:
    """Users who are named by their target, and how many were asked."""
    users, targets = sides.split.targets("test")
    some = _spread(len(users))
    pairs = list(zip(targets[some].tolist(), users[some].tolist(), strict=True))
    return _among(pairs, edges), len(pairs)


def _among(pairs: list[tuple[int, int]], edges: pl.DataFrame) -> int:
    asked = pl.DataFrame(pairs, schema={"from": pl.Int64, "to": pl.Int64}, orient="row")
    return asked.join(edges.unique(), on=["from", "to"], how="semi").height


def _spread(number: int) -> npt.NDArray[np.int64]:
    return np.unique(np.linspace(0, number - 1, min(number, _LOOKED_AT)).astype(np.int64)) if number else np.zeros(0, np.int64)
