"""The table of metrics: a row a run, the rows of a fairness class together, the best of each class marked."""

from typing import Any

from webapp.comparing.chosen import Chosen
from webapp.comparing.columns import Column, column
from webapp.comparing.fairness import Guarded
from webapp.comparing.loading import named
from webapp.display import score
from webapp.experiments import display
from webapp.experiments.intervals import interval_of_test
from webapp.experiments.models import Run


def table(guarded: Guarded, chosen: Chosen) -> dict[str, Any]:
    """Head and bodies; those of classes first, then the runs without a result. ``hidden`` counts what the filter hides."""
    columns = [column(name) for name in chosen.columns]
    bodies: list[dict[str, Any]] = []
    for one in guarded.classes:
        shown = select(one.runs, chosen)
        best = best_of(one.runs, columns)
        rows = [row(run, columns, best) for run in shown]
        bodies.append({"name": one.name, "line": one.line, "apart": one.apart, "rows": rows})
    pending = select(guarded.unfinished, chosen)
    total = sum(len(one.runs) for one in guarded.classes) + len(guarded.unfinished)
    visible = sum(len(body["rows"]) for body in bodies) + len(pending)
    return {
        "head": [_head(one, chosen) for one in columns],
        "bodies": [body for body in bodies if body["rows"]],
        "unfinished": [row(run, columns, {}) for run in pending],
        "hidden": total - visible,
        "width": len(columns) + 1,
        "intervals": any(cell["interval"] for body in bodies for line in body["rows"] for cell in line["cells"]),
    }


def select(runs: list[Run], chosen: Chosen) -> list[Run]:
    """Those that the filter leaves, in the order asked for; runs without a value come last."""
    words = chosen.find.casefold()
    left = [run for run in runs if words in _words(run)] if words else list(runs)
    if not chosen.sort:
        return left
    by = column(chosen.sort)
    known = [run for run in left if by.value(run) is not None]
    known.sort(key=lambda run: by.value(run) if by.number else str(by.value(run)).casefold(), reverse=not chosen.rising)
    return known + [run for run in left if by.value(run) is None]


def best_of(runs: list[Run], columns: list[Column]) -> dict[str, Any]:
    """The highest value of each column in which the highest is the best, as it is shown; none where only one run has a value."""
    found = {}
    for one in columns:
        values = [value for run in runs if (value := one.value(run)) is not None] if one.best else []
        if len(values) > 1:
            found[one.name] = one.show(max(values))
    return found


def row(run: Run, columns: list[Column], best: dict[str, Any]) -> dict[str, Any]:
    """A row; a value that reads the same as the best is a best one too."""
    return {
        **named(run),
        "state": display.state(run),
        "generated": run.version.dataset.generated,
        "cells": [_cell(run, one, best.get(one.name)) for one in columns],
    }


def _cell(run: Run, one: Column, best: str | None) -> dict[str, Any]:
    text = one.show(one.value(run))
    ends = interval_of_test(run, one.metric) if one.metric else None
    leads = best is not None and text == best
    return {
        "text": text,
        "kind": f"{'number' if one.number else ''}{' best' if leads else ''}",
        "best": leads,
        "interval": f"{score(ends[0])} to {score(ends[1])}" if ends else "",
    }


def _head(one: Column, chosen: Chosen) -> dict[str, Any]:
    ordered = chosen.sort == one.name
    return {
        "title": one.title,
        "number": one.number,
        "link": chosen.sorted_by(one.name),
        "sorted": ("ascending" if chosen.rising else "descending") if ordered else "",
        "arrow": ("▲" if chosen.rising else "▼") if ordered else "",
    }


def _words(run: Run) -> str:
    variant = run.variant.label if run.variant else ""
    texts = (str(run), run.state, display.method_title(run.method), run.method, run.preset, variant, run.version.dataset.name)
    return " ".join(texts).casefold()
