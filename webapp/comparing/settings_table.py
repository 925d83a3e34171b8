"""The settings in which runs differ. What is equal everywhere is left out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html_join

from webapp.display import NOTHING
from webapp.experiments.models import Run

_FIRST = ("method.id", "preset")
_LONGEST = 80
_MOST_SHOWN = 500
_NO_SETTING = object()


def differing(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A row a setting, with the cells of its values in each run; an en dash where the run's method has no such setting."""
    flat = [flatten(run.spec) for run in runs]
    paths = sorted({path for values in flat for path in values}, key=lambda path: (path not in _FIRST, path))
    rows = []
    for path in paths:
        values = [values.get(path, _NO_SETTING) for values in flat]
        if any(value != values[0] for value in values):
            # Thousands of cells: a template's loop takes three times as long to escape them.
            cells = format_html_join("", "<td>{}", ((_text(value),) for value in values))
            rows.append({"path": path, "cells": cells})
    return rows


def flatten(spec: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Dotted paths and values: ``{"training.seed": 0}``. Short lists are values, of long ones each entry is."""
    found: dict[str, Any] = {}
    for name, value in spec.items():
        path = f"{before}{name}"
        if isinstance(value, list) and len(json.dumps(value)) > _LONGEST:
            value = {str(place): entry for place, entry in enumerate(value)}
        if isinstance(value, Mapping) and value:
            found |= flatten(value, f"{path}.")
        else:
            found[path] = value
    return found


def _text(value: Any) -> str:
    if value is _NO_SETTING:
        return NOTHING
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
