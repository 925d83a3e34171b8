"""What workers found out about differences, as a matrix and as a list, in numbers and words."""

from typing import Any

from webapp.comparing.columns import column
from webapp.comparing.significance import LEVEL, Asked
from webapp.display import count
from webapp.experiments import display
from webapp.experiments.group_table import signed

_SMALLEST_P = 0.001
NOT_DISTINGUISHABLE = "not distinguishable"


def block(asked: Asked) -> dict[str, Any]:
    """One fairness class. ``state``: "waiting", "problem" (``problem`` says which) or "there"."""
    row, runs = asked.row, asked.runs
    answer = row.answer
    shown = {
        "name": asked.one.name,
        "line": asked.one.line,
        "state": "waiting" if asked.waiting else "problem" if "problem" in answer else "there",
        "problem": str(answer.get("problem", "")),
        "without": list(answer.get("without", {}).values()),
        "reference": str(asked.reference) if asked.reference else "",
        "runs": count(len(runs)),
    }
    if shown["state"] != "there":
        return shown
    pairs = answer["pairs"]
    lines = [_line(asked, *pair) for pair in pairs]
    different = sum(line["different"] for line in lines)
    return {
        **shown,
        "users": count(answer["users"]),
        "pairs": count(len(pairs)),
        "lines": lines,
        "different": count(different),
        "matrix": None if asked.reference else _matrix(asked, pairs),
    }


def p_value(p: float) -> str:
    """``.023``, or ``< .001``."""
    return f"< {_SMALLEST_P}".replace("0.", ".") if p < _SMALLEST_P else f"{p:.3f}".removeprefix("0")


def metric_title(metric: str) -> str:
    """``ndcg@10`` as people read it."""
    return column(f"test.{metric}").title.partition(",")[0]


def _line(asked: Asked, a: int, b: int, difference: float, low: float, high: float, p: float, corrected: float) -> dict[str, Any]:
    better, worse = (a, b) if difference > 0 else (b, a)
    different = corrected < LEVEL
    return {
        "a": a,
        "b": b,
        "difference": signed(difference),
        "interval": f"{signed(low)} to {signed(high)}",
        "p": p_value(p),
        "corrected": p_value(corrected),
        "different": different,
        "words": f"run-{better} is better than run-{worse}" if different else NOT_DISTINGUISHABLE,
    }


def _matrix(asked: Asked, pairs: list[list[Any]]) -> dict[str, Any]:
    """Rows less columns: each pair stands there twice, once each way round."""
    cells: dict[tuple[int, int], dict[str, Any]] = {}
    for a, b, difference, low, high, _, corrected in pairs:
        cells[a, b] = _cell(difference, low, high, corrected)
        cells[b, a] = _cell(-difference, -high, -low, corrected)
    known = {pk for pair in cells for pk in pair}
    runs = [run for run in asked.runs if run.pk in known]
    return {
        "head": [run.pk for run in runs],
        "rows": [
            {"pk": run.pk, "method": display.method_title(run.method), "cells": [cells.get((run.pk, other.pk)) for other in runs]}
            for run in runs
        ],
    }


def _cell(difference: float, low: float, high: float, corrected: float) -> dict[str, Any]:
    kind = "none" if corrected >= LEVEL else "better" if difference > 0 else "worse"
    return {
        "difference": signed(difference),
        "interval": f"{signed(low)} to {signed(high)}",
        "p": p_value(corrected),
        "kind": kind,
        "word": {"none": NOT_DISTINGUISHABLE, "better": "better", "worse": "worse"}[kind],
    }
