"""Parallel coordinates: one line a trial, over what sums its architecture up, to its value."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webapp.display import score
from webapp.searches.board import Board, architecture, settings
from webapp.searches.charts import leads
from webapp.searches.layer_map import short_count
from webapp.searches.models import SearchTrial

_HEIGHT, _TOP, _BOTTOM, _STEP, _SIDE = 260, 48, 28, 160, 64
_SHOWN_BEST = 0.1
"""This share of the trials is drawn strong."""


@dataclass(frozen=True)
class _Scale:
    title: str
    value: Callable[[SearchTrial], float]
    label: Callable[[float], str]


def coordinates(board: Board) -> dict[str, Any] | None:
    """Scales and lines for an SVG; None with fewer than two values. The best tenth of the trials is marked."""
    rows = board.done
    if len(rows) < 2:
        return None
    scales = _scales(board)
    columns = [[scale.value(row) for row in rows] for scale in scales]
    heights = [_heights(column) for column in columns]
    strong = max(3, math.ceil(len(rows) * _SHOWN_BEST))
    lines = [
        {
            "points": " ".join(f"{_across(index)},{column[place]}" for index, column in enumerate(heights)),
            "kind": "lead" if leads(board, row) else "strong" if place < strong else "weak",
            "run": row.run_id,
            "label": f"trial {row.number}: NDCG@10 {score(row.value)}",
        }
        for place, row in enumerate(rows)
    ]
    return {
        "width": _across(len(scales) - 1) + _SIDE,
        "height": _HEIGHT,
        "top": _TOP,
        "bottom": _HEIGHT - _BOTTOM,
        "low_label": _HEIGHT - 8,
        "axes": [
            {
                "x": _across(index),
                "title": scale.title,
                "high": scale.label(max(column)),
                "low": scale.label(min(column)) if min(column) < max(column) else "",
            }
            for index, (scale, column) in enumerate(zip(scales, columns, strict=True))
        ],
        # The best last: they lie on top.
        "lines": lines[::-1],
        "strong": min(strong, len(rows)),
    }


def adapted(row: SearchTrial) -> int:
    """Layers that have an adapter."""
    return sum(1 for choice in architecture(row) if "/" in choice)


def mean_rank(choices: list[str]) -> float:
    """Mean rank over layers; a bare layer counts 0."""
    return sum(int(choice.rpartition("/")[2]) for choice in choices if "/" in choice) / max(1, len(choices))


def _scales(board: Board) -> list[_Scale]:
    thirds = [("lower third", 0), ("middle third", 1), ("upper third", 2)]
    found = [
        _Scale("parameters", lambda row: row.parameters, lambda value: short_count(round(value))),
        _Scale("adapted layers", adapted, lambda value: f"{value:g}"),
        *(_Scale(f"rank, {name}", _third(part), lambda value: f"{value:.3g}") for name, part in thirds),
    ]
    for path in settings(board.done[0]):
        found.append(_setting(board, path))
    found.append(_Scale("NDCG@10", lambda row: row.value or 0.0, score))
    return found


def _third(part: int) -> Callable[[SearchTrial], float]:
    def value(row: SearchTrial) -> float:
        choices = architecture(row)
        size = len(choices)
        return mean_rank(choices[size * part // 3 : size * (part + 1) // 3])

    return value


def _setting(board: Board, path: str) -> _Scale:
    """A further setting: numbers as they are (by ratio if they span more than ten times), words by their order."""
    known = [settings(row).get(path) for row in board.done]
    title = path.rpartition(".")[2].replace("_", " ")
    numbers = [float(value) for value in known if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(known):
        words = sorted({str(value) for value in known})
        return _Scale(title, lambda row: words.index(str(settings(row).get(path))), lambda value: words[round(value)])
    if min(numbers) > 0 and max(numbers) > 10 * min(numbers):
        return _Scale(title, lambda row: math.log(settings(row)[path]), lambda value: f"{math.exp(value):.3g}")
    return _Scale(title, lambda row: float(settings(row)[path]), lambda value: f"{value:.3g}")


def _heights(column: list[float]) -> list[float]:
    low, high = min(column), max(column)
    bottom, top = _HEIGHT - _BOTTOM, _TOP
    if low == high:
        return [(top + bottom) / 2] * len(column)
    return [round(bottom + (value - low) / (high - low) * (top - bottom), 1) for value in column]


def _across(index: int) -> int:
    return _SIDE + index * _STEP
