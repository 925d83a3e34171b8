"""The layer map of a search: rows are layers, columns are trials, a cell is what the trial put into the layer.

A cell is made once for each different choice, so that 32 layers x 100 trials are put together in milliseconds.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from engine.adapters.kinds import ADAPTER_KINDS
from webapp.display import count, score
from webapp.experiments.display import rank_step
from webapp.searches.board import Board, architecture, front
from webapp.searches.models import SearchTrial, Stage

_LETTERS = {"lora": "L", "dora": "D", "loha": "H", "lokr": "K", "oft": "O", "ia3": "I"}
_TARGETS = {"attention": "attention only", "mlp": "MLP only", "both": "attention and MLP"}
_BAR_WIDTH = 96
CHOICES = {"best": "the best", "pareto": "the Pareto set", "all": "all trials"}
"""Which trials the map shows, by the word in the address."""


def layer_map(
    board: Board, importance: Mapping[str, Mapping[str, float]] | None = None, chosen: str = "all"
) -> dict[str, Any] | None:
    """What the template places; None without a trial that has a value or runs.

    Args:
        importance: by layer (as text), ``mean`` and ``sd`` of what its choice is worth, in units of NDCG@10.
        chosen: one of ``CHOICES``.
    """
    going = [row for row in board.running if row.stage == Stage.TRIAL] if chosen == "all" else []
    shown = _chosen(board, chosen) + going
    if not shown:
        return None
    stacks = [architecture(row) for row in shown]
    columns = [_column(board, row) for row in shown]
    marks = [bool(column["mark"]) for column in columns]
    layers = min(map(len, stacks))
    scale = max((_end(figure) for figure in (importance or {}).values()), default=0.0)
    rows = [
        {
            "layer": layer,
            "cells": format_html_join("", "{}", ((cell(stack[layer], mark),) for stack, mark in zip(stacks, marks, strict=True))),
            "importance": _importance((importance or {}).get(str(layer)), scale),
        }
        for layer in reversed(range(layers))
    ]
    used = {choice for stack in stacks for choice in stack}
    return {
        "rows": rows,
        "columns": columns,
        "legend": _legend(used),
        "important": scale > 0,
        "trials": count(len(board.done)),
        "going": len(going),
        "early": any(column["early"] for column in columns),
        "failed": sum(1 for row in board.trials if row.value is None and row not in going),
    }


def _chosen(board: Board, chosen: str) -> list[SearchTrial]:
    if chosen == "best":
        leader = board.winner or board.best
        return [leader] if leader else []
    if chosen == "pareto":
        return sorted(front(board.whole), key=lambda row: -(row.value or 0.0))
    return board.done


@cache
def cell(choice: str, marked: bool = False) -> SafeString:
    """One table cell: letter of the kind and rank as text, colour by rank, a bar above or below for part of a layer.

    Args:
        choice: as ``str(LayerChoice)``; marked: whether it is in the winner's column.
    """
    mark = " marked" if marked else ""
    kind, _, rest = choice.partition("/")
    if not rest:
        return format_html('<td class="scale-{}{}" title="no adapter">·</td>', rank_step(0), mark)
    target, _, rank = rest.partition("/")
    title = ADAPTER_KINDS.get(kind).title if kind in ADAPTER_KINDS else kind
    part = "" if target == "both" else format_html("<i> {}</i>", target)
    shown = rank if kind not in ADAPTER_KINDS or ADAPTER_KINDS.get(kind).has_rank else ""
    return format_html(
        '<td class="scale-{} on-{}{}" title="{} on {}, rank {}">{}{}{}</td>',
        rank_step(int(rank)),
        target,
        mark,
        title,
        _TARGETS.get(target, target),
        rank,
        _letter(kind),
        shown,
        part,
    )


def short_count(value: int) -> str:
    """``393216`` -> ``393k``, ``1234567`` -> ``1.2M``."""
    if value < 1000:
        return str(value)
    if value < 999_500:
        return f"{value / 1000:.1f}k" if value < 9950 else f"{value / 1000:.0f}k"
    return f"{value / 1e6:.1f}M" if value < 99.5e6 else f"{value / 1e6:.0f}M"


def _letter(kind: str) -> str:
    return _LETTERS.get(kind, kind[:1].upper())


def _column(board: Board, row: SearchTrial) -> dict[str, Any]:
    best, winner = board.best, board.winner
    leads = row == winner if winner else row == best
    return {
        "number": row.number,
        "run": row.run_id,
        "value": score(row.value) if row.value is not None else "…",
        "early": row.fidelity < 1 and row.value is not None,
        "parameters": short_count(row.parameters),
        "mark": ("winner" if winner else "best") if leads else "",
        "going": row.value is None,
    }


def _importance(figure: Mapping[str, float] | None, scale: float) -> dict[str, Any] | None:
    if not figure or scale <= 0:
        return None
    mean, sd = max(0.0, figure["mean"]), max(0.0, figure["sd"])
    low, high = max(0.0, mean - sd), mean + sd
    return {
        "text": f"{score(mean)} ± {score(sd)}",
        "bar": round(mean / scale * _BAR_WIDTH, 1),
        "low": round(low / scale * _BAR_WIDTH, 1),
        "high": round(high / scale * _BAR_WIDTH, 1),
    }


def _end(figure: Mapping[str, float]) -> float:
    return max(0.0, figure["mean"]) + max(0.0, figure["sd"])


def _legend(used: set[str]) -> dict[str, Any]:
    parts = [choice.split("/") for choice in used if "/" in choice]
    kinds = sorted({kind for kind, _, _ in parts}, key=lambda kind: list(_LETTERS).index(kind) if kind in _LETTERS else 99)
    ranks = sorted({int(rank) for _, _, rank in parts})
    targets = {target for _, target, _ in parts}
    return {
        "kinds": [(_letter(kind), ADAPTER_KINDS.get(kind).title if kind in ADAPTER_KINDS else kind) for kind in kinds],
        "ranks": [(rank_step(rank), rank) for rank in ranks],
        "targets": [(target, words) for target, words in _TARGETS.items() if target in targets and target != "both"],
        "bare": any("/" not in choice for choice in used),
    }
