"""Columns of the items that look like counts, ratings or marks of a split, and whether they know the test."""

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.leakage.clock import spearman
from engine.data.leakage.model import Finding, share
from engine.data.leakage.sides import Sides

_SUMMARY = re.compile(
    r"(^|_|\b)(avg|average|mean|num|number|total|count|counts|rating|ratings|stars?|score|popularity|popular|rank|sales|sold|views?|"
    r"clicks?|plays|likes?|votes?|reviews?|downloads?|purchases?|bought|orders|interactions?|trend|trending)(_|$|\b)"
)
_SPLIT = re.compile(r"(^|_|\b)(split|fold|partition|subset|is_test|is_train|test|holdout|heldout)(_|$|\b)")
_PARTS = {"train", "training", "test", "testing", "valid", "validation", "dev", "holdout"}
_NUMBERS = 0.9
"""From this share of numbers among its cells on, a column is one of numbers."""
_ENOUGH = 20
_EQUAL = 0.95
_SUSPICIOUS, _SERIOUS = 0.25, 0.6
_DEVIATIONS = 4.0
"""A correlation that chance gives less often than once in ten thousand."""


def text_columns(items: pl.DataFrame) -> dict[str, pl.Series]:
    """The columns of a catalogue as text; the members of categories are joined."""
    joined = items.with_columns(pl.col("categories").list.join("|"))
    return {name: joined[name] for name in joined.columns if name not in ("index", "id")}


def summaries(sides: Sides) -> Iterator[Finding | str]:
    """Columns that may be computed from the interactions, those of the test included."""
    found = 0
    for name, cells in text_columns(sides.version.items).items():
        filled = (cells != "").to_numpy()
        values = cells.cast(pl.Float64, strict=False).to_numpy()
        numeric = filled & np.isfinite(values)
        if int(numeric.sum()) >= max(_NUMBERS * filled.sum(), _ENOUGH):
            finding = _numbers(sides, name, values, numeric)
        else:
            finding = _marks(name, cells.filter(pl.Series(filled)))
        if finding is not None:
            found += 1
            yield finding
    if not found:
        yield "No column of the items looks like a count, a rating or a mark of the split."


def _numbers(sides: Sides, name: str, values: npt.NDArray[np.float64], numeric: npt.NDArray[np.bool_]) -> Finding | None:
    items = sides.version.items.height
    trained = sides.training_counts()
    tested = np.bincount(sides.split.targets("test")[1], minlength=items)
    counted = np.bincount(sides.version.item, minlength=items)
    of = int(numeric.sum())
    differing = numeric & (counted != trained)
    equal = int((values == counted)[differing].sum())
    if equal >= _ENOUGH and equal >= _EQUAL * differing.sum():
        return Finding(
            check="counts-in-column",
            severity="serious",
            title=f"{name} is the number of interactions of each item, those of the test included ({equal:,} of "
            f"{int(differing.sum()):,} cells where that can be seen).",
            text="Whoever reads the column knows how often the items are targets.",
            advice="Leave the column out, or count the training rows only.",
            count=equal,
            of=int(differing.sum()),
            column=name,
        )
    beyond = _partial(values[numeric], tested[numeric], trained[numeric])
    if abs(beyond) >= _SUSPICIOUS and abs(beyond) * np.sqrt(of) >= _DEVIATIONS:
        return Finding(
            check="correlated-column",
            severity="serious" if abs(beyond) >= _SERIOUS else "warning",
            title=f"{name} goes with how often items are targets of the test, beyond what training rows tell "
            f"(rank correlation {beyond:.2f}).",
            text="It may be computed from later interactions than those of the training; or it is something honest, such as "
            "the year in which an item came out.",
            advice="Find out when and from what the column was made; leave it out if that was after the first test time.",
            count=of,
            of=items,
            column=name,
        )
    return _named_like_a_summary(name, of, items) if _SUMMARY.search(_words(name)) else None


def _named_like_a_summary(name: str, count: int, of: int) -> Finding:
    return Finding(
        check="summary-in-column",
        severity="warning",
        title=f"{name} looks like a summary of what people did ({count:,} numbers, {share(count, of)} of the items).",
        text="Ratings, ranks and counts are often taken from a shop after the end of the data. It goes with the test no more "
        "than the training does, but whether later interactions are in it, its numbers cannot tell.",
        advice="Find out when and from what the column was made; leave it out if that was after the first test time.",
        count=count,
        of=of,
        column=name,
    )


def _marks(name: str, cells: pl.Series) -> Finding | None:
    values = set(cells.unique().head(10).str.to_lowercase().to_list()) if cells.n_unique() <= 10 else set()
    marked = len(values & _PARTS) >= 2 or bool(values and _SPLIT.search(_words(name)))
    if not marked:
        return None
    return Finding(
        check="split-in-column",
        severity="warning",
        title=f"{name} looks like a mark of a split: {', '.join(sorted(values)[:5])}.",
        text="If it says which items somebody holds out, a model that reads the column knows them.",
        advice="Leave the column out.",
        count=len(cells),
        of=len(cells),
        column=name,
    )


def _partial(values: npt.NDArray[np.float64], tested: npt.NDArray[np.int64], trained: npt.NDArray[np.int64]) -> float:
    """Rank correlation of ``values`` with ``tested`` once what ``trained`` explains is taken away, -1 to 1."""
    with_test, with_training, between = spearman(values, tested), spearman(values, trained), spearman(tested, trained)
    room = (1 - with_training**2) * (1 - between**2)
    return float((with_test - with_training * between) / np.sqrt(room)) if room > 1e-9 else 0.0


def _words(name: str) -> str:
    """``averageRating`` and ``Average rating`` -> ``average_rating``."""
    return re.sub(r"[\s.-]+", "_", re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()
