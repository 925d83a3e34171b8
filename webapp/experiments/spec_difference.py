"""What a run's spec has that its preset has not."""

from collections.abc import Iterator
from typing import Any

from engine.errors import UserError
from engine.presets import get_preset
from webapp.experiments.form import text
from webapp.experiments.models import Run

NOT_THERE = "not there"


def spec_difference(run: Run) -> list[dict[str, str]] | None:
    """``path``, ``run`` and ``preset`` of each setting that differs; None if the run names no preset that still exists."""
    try:
        preset = dict(_leaves(get_preset(run.preset).spec().model_dump(mode="json")))
    except UserError:
        return None
    mine = dict(_leaves(run.spec))
    paths = [*mine, *(path for path in preset if path not in mine)]
    return [
        {"path": path, "run": _shown(mine, path), "preset": _shown(preset, path)}
        for path in paths
        if path != "preset" and mine.get(path) != preset.get(path)
    ]


def _leaves(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _shown(leaves: dict[str, Any], path: str) -> str:
    if path not in leaves:
        return NOT_THERE
    value = leaves[path]
    return ", ".join(map(_one, value)) or "none" if isinstance(value, list) else text(value) or "none"


def _one(value: Any) -> str:
    if isinstance(value, dict) and {"kind", "target", "rank"} <= value.keys():
        return "none" if value["kind"] == "none" else f"{value['kind']}/{value['target']}/{value['rank']}"
    return str(value)
