"""Charts of a search as shapes for an SVG that the server writes: they work without scripts and follow the page's colours."""

import math
from typing import Any

from webapp.axes import Axis, axis
from webapp.display import count, score
from webapp.searches.board import Board, front, is_uniform
from webapp.searches.layer_map import short_count
from webapp.searches.models import SearchTrial

WIDTH, HEIGHT = 520, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 12, 44
_SHAPES = {
    "circle": "m-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",
    "square": "m-4,-4h8v8h-8z",
    "diamond": "m0,-7l7,7l-7,7l-7,-7z",
}


def best_so_far(board: Board) -> dict[str, Any] | None:
    """Values over the number of the trial, the best up to each, and uniform's as a level. None without values."""
    done = sorted(board.done, key=lambda row: row.number)
    if not done:
        return None
    across = axis([0, max(board.planned - 1, done[-1].number, 1)], _LEFT, WIDTH - _RIGHT, whole=True)
    up = _values_axis(board)
    path, level = "", None
    for row in done:
        if row.fidelity < board.whole[0].fidelity:
            continue
        x, y = across(row.number), up(row.value or 0.0)
        if level is None:
            path, level = f"M{x},{y}", y
        elif y < level:
            path, level = f"{path}H{x}V{y}", y
    path += f"H{across(done[-1].number)}"
    chart = _frame(across, up, "trial, in order of proposal", [(across(tick), f"{tick:g}") for tick in across.ticks])
    chart["paths"] = [("best", path)]
    if board.uniform:
        y = up(board.uniform.value or 0.0)
        chart["paths"].append(("level", f"M{across.start},{y}H{across.end}"))
    chart["points"] = [_point(board, row, across(row.number), up(row.value or 0.0)) for row in reversed(board.done)]
    return chart


def pareto(board: Board) -> dict[str, Any] | None:
    """NDCG@10 over trainable parameters; the front is of whole trials: none has both more quality and fewer parameters."""
    if not board.done:
        return None
    across = axis([row.parameters for row in board.done], _LEFT, WIDTH - _RIGHT, whole=True, zero=True)
    up = _values_axis(board)
    path = ""
    members = front(board.whole)
    for row in members:
        x, y = across(row.parameters), up(row.value or 0.0)
        path += f"H{x}V{y}" if path else f"M{x},{y}"
    if path:
        path += f"H{across.end}"
    labels = [(across(tick), short_count(round(tick))) for tick in across.ticks]
    chart = _frame(across, up, "trainable parameters of the adapters", labels)
    chart["paths"] = [("best", path)]
    chart["points"] = [_point(board, row, across(row.parameters), up(row.value or 0.0)) for row in reversed(board.done)]
    chart["front"] = len(members)
    return chart


def leads(board: Board, row: SearchTrial) -> bool:
    """Whether it is the winner, or the best as long as there is none."""
    return row == (board.winner or board.best)


def _values_axis(board: Board) -> Axis:
    return axis([row.value or 0.0 for row in board.done], HEIGHT - _BOTTOM, _TOP)


def _frame(across: Axis, up: Axis, title: str, labels: list[tuple[float, str]]) -> dict[str, Any]:
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": across.start,
        "right": across.end,
        "top": up.end,
        "bottom": up.start,
        "middle": (across.start + across.end) / 2,
        "x": labels,
        "y": [(up(tick), _tick(tick, up)) for tick in up.ticks],
        "title": title,
    }


def _tick(value: float, up: Axis) -> str:
    decimals = max(2, -math.floor(math.log10(up.ticks[1] - up.ticks[0]) + 1e-9))
    return f"{value:.{decimals}f}".removeprefix("0") or "0"


def _point(board: Board, row: SearchTrial, x: float, y: float) -> dict[str, Any]:
    first = leads(board, row)
    shape = "diamond" if first else "square" if is_uniform(row) else "circle"
    early = ", ended early" if row.fidelity < 1 else ""
    return {
        "path": f"M{x},{y}{_SHAPES[shape]}",
        "kind": "lead" if first else "early" if early else "uniform" if is_uniform(row) else "plain",
        "run": row.run_id,
        "label": f"trial {row.number}: NDCG@10 {score(row.value)}{early}, {count(row.parameters)} parameters, {row.origin}",
    }
