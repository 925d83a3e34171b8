"""The slices of the test users, runs side by side, each fairness class by itself."""

from typing import Any

from webapp.comparing.fairness import FairClass
from webapp.comparing.loading import named
from webapp.display import NOTHING, count, score
from webapp.experiments.display import slice_title
from webapp.experiments.events import MAIN_METRIC


def tables(classes: list[FairClass]) -> list[dict[str, Any]]:
    """A table for each class in which a run has slices: a row a slice, NDCG@10 in each run, the best marked."""
    found = []
    for one in classes:
        runs = [run for run in one.runs if run.slices]
        if runs:
            found.append({"name": one.name, "line": one.line, "runs": [named(run) for run in runs], "groups": _groups(runs)})
    return found


def _groups(runs: list[Any]) -> list[dict[str, Any]]:
    lines: dict[str, dict[str, dict[str, Any]]] = {}
    for place, run in enumerate(runs):
        for line in run.slices:
            known = lines.setdefault(str(line["of"]), {}).setdefault(
                str(line["name"]), {"bounds": line["bounds"], "users": line["users"], "values": [None] * len(runs)}
            )
            known["values"][place] = line["metrics"].get(MAIN_METRIC)
    return [
        {"title": slice_title(of), "lines": [_line(name, line) for name, line in names.items()]} for of, names in lines.items()
    ]


def _line(name: str, line: dict[str, Any]) -> dict[str, Any]:
    known = [value for value in line["values"] if value is not None]
    best = score(max(known)) if len(known) > 1 else None
    texts = [score(value) for value in line["values"]]
    cells = [(text, "number best" if text == best and text != NOTHING else "number") for text in texts]
    return {"name": name, "bounds": line["bounds"], "users": count(line["users"]), "cells": cells}
