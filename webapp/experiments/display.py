"""Runs as the pages show them: states, metric tables with their protocol, the layer map, sample recommendations."""

import math
from itertools import groupby
from typing import Any

from django.utils import timezone

from engine.adapters.kinds import ADAPTER_KINDS
from engine.methods import METHODS
from webapp.display import NOTHING, count, duration, moment, percent, rate, score, since
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.models import ACTIVE_STATES, LayerAdapter, Run, RunState

# The pause sign proper (U+23F8) is missing from many fonts.
_PAUSE = "\N{DOUBLE VERTICAL LINE}"
SHAPES = {
    RunState.DRAFT: "…",
    RunState.QUEUED: "…",
    RunState.STARTING: "●",
    RunState.RUNNING: "●",
    RunState.EVALUATING: "●",
    RunState.CANCELLING: _PAUSE,
    RunState.SUCCEEDED: "✓",
    RunState.FAILED: "✕",
    RunState.CANCELLED: _PAUSE,
    RunState.LOST: "?",
}
STAGES_NOTE = "DARec trains its CF model first, then both parts together: the losses of the two stages are of different scales."
NANO_NOTE = "nano has no world knowledge: it is made from this catalogue's text alone."
INTERVAL_WORDS = "95 % percentile bootstrap over users, 4,000 resamples"
"""How intervals come about; a test holds it against ``engine.evaluation.intervals.METHOD``, which loads more than a page may."""
_SEEN_WORDS = {"remove": "items of the user's history removed", "keep": "items of the user's history kept"}
_SLICE_TITLES = {
    "items": "By the held-out item's interactions in training",
    "users": "By the length of the user's history",
}
_LEGEND = ((0, "none"), (1, "1"), (2, "2"), (4, "4"), (8, "8"), (16, "16"), (32, "32"), (64, "64+"))
_MAIN_ORDER = ("ndcg", "hr", "mrr")
COMPACT_FROM = 12
"""From more layers than this on, rows of the layer map are low, so that 32 of them fit on a screen."""
_SCALE_STEPS = 10
_SCALE_TOP_RANK = 64


def state(run: Run) -> dict[str, str]:
    """The state's shape and word, and the name of its colour."""
    known = RunState(run.state)
    return {"name": known.value, "shape": SHAPES[known], "word": known.label}


def method_title(method: str) -> str:
    """A method's name as people write it; the id of one that is gone."""
    return METHODS.get(method).title if method in METHODS else method


def is_active(run: Run) -> bool:
    """Whether the run still changes by itself."""
    return run.state in ACTIVE_STATES


def took(run: Run) -> str:
    """How long the run took, or has been going."""
    if run.started_at is None:
        return NOTHING
    return duration(((run.finished_at or timezone.now()) - run.started_at).total_seconds())


def progress(run: Run) -> dict[str, Any]:
    """The progress bar: fraction, what is done, how long it will take. Empty parts where nothing is known yet."""
    values = run.progress
    fraction = float(values.get("fraction", 0.0))
    parts = []
    # While it waits, it is as far as its last attempt was, but nothing moves.
    moves = run.state in (RunState.RUNNING, RunState.EVALUATING, RunState.CANCELLING)
    if values.get("epoch") is not None:
        parts.append(f"epoch {values['epoch']}")
    if values.get("total"):
        parts.append(f"{count(values['done'])} of {count(values['total'])} {values.get('unit', '')}".strip())
    if moves and values.get("targets_per_second"):
        parts.append(f"{rate(values['targets_per_second'])} targets/s")
    eta = values.get("eta_seconds") if moves and run.state != RunState.CANCELLING else None
    return {
        "fraction": fraction,
        "percent": percent(fraction),
        "phase": values.get("phase", "") if moves or run.state == RunState.STARTING else "",
        "parts": parts,
        "eta": duration(eta) if eta is not None else "",
    }


def has_stages(run: Run) -> bool:
    """Whether the run trains a CF model first, and then both parts."""
    return bool(run.spec.get("method", {}).get("injection", {}).get("kind", "none") != "none")


def header(run: Run) -> dict[str, Any]:
    """The first lines of a run's page."""
    start = run.started_at or run.queued_at
    method = run.spec.get("method", {})
    return {
        "state": state(run),
        "active": is_active(run),
        "method": method_title(run.method),
        "seed": run.spec.get("training", {}).get("seed", 0),
        "since": moment(start),
        "took": took(run),
        "waited": since(run.queued_at),
        "seen": since(run.heartbeat_at) if run.heartbeat_at else "",
        "finished": moment(run.finished_at),
        "cancellable": is_active(run) and run.state != RunState.CANCELLING,
        "nano": NANO_NOTE if method.get("backbone") == "nano" else "",
        "stages": STAGES_NOTE if has_stages(run) else "",
    }


def protocol_line(protocol: dict[str, Any]) -> str:
    """All that must be equal before two numbers may stand side by side, in one line."""
    if not protocol:
        return ""
    ranked = "full ranking over" if protocol.get("candidates") == "full" else f"{protocol.get('candidates')} candidates out of"
    parts = [
        str(protocol.get("split", "")),
        f"{ranked} {count(protocol.get('catalogue'))} items",
        _SEEN_WORDS.get(str(protocol.get("seen")), str(protocol.get("seen"))),
        f"ties: {protocol.get('ties')}",
        f"version {str(protocol.get('version', ''))[:10]}",
        f"split {str(protocol.get('split_hash', ''))[:10]}",
    ]
    return " · ".join(parts)


def protocol_in_short(protocol: dict[str, Any]) -> str:
    """The kind of split and what else is not the same everywhere, for a row of a list."""
    if not protocol:
        return ""
    kind = str(protocol.get("split", "")).partition(" (")[0]
    parts = [kind, f"seen {'removed' if protocol.get('seen') == 'remove' else 'kept'}"]
    if protocol.get("candidates") != "full":
        parts.append(f"{protocol.get('candidates')} candidates")
    return ", ".join(parts)


def metric_table(run: Run) -> dict[str, Any] | None:
    """Rows by metric, columns by cut-off, for test and validation; NDCG@10 is marked as the main one. None without values."""
    names = {*run.test, *run.valid}
    if not names:
        return None
    split, intervals = [name.partition("@") for name in names], run.intervals.get("test", {})
    cutoffs = sorted({cut for _, _, cut in split}, key=lambda cut: int(cut) if cut.isdecimal() else 0)
    main, _, main_cut = MAIN_METRIC.partition("@")
    bases = sorted({base for base, _, _ in split}, key=_metric_order)
    rows = [
        {
            "name": _metric_name(base),
            "test": [_cell(base, cut, run.test, intervals) for cut in cutoffs],
            "valid": [_cell(base, cut, run.valid, {}) for cut in cutoffs],
        }
        for base in bases
    ]
    return {
        "cutoffs": [f"@{cut}" if cut else "" for cut in cutoffs],
        "rows": rows,
        "headline": _cell(main, main_cut, run.test, intervals) if MAIN_METRIC in intervals else None,
        "method": INTERVAL_WORDS,
    }


def slice_table(run: Run) -> list[dict[str, Any]]:
    """Test metrics of some of the users: by how often the held-out item was seen in training, and by length of history."""
    return [
        {"title": slice_title(of), "lines": [_slice(line) for line in lines]}
        for of, lines in groupby(run.slices, key=lambda line: str(line["of"]))
    ]


def slice_title(of: str) -> str:
    """What the users of a slice are put together by, in words."""
    return _SLICE_TITLES.get(of, of)


def facts(run: Run) -> list[tuple[str, str]]:
    """What else came out, name and value with its unit."""
    rows = [
        ("Users evaluated", count(run.users_evaluated)),
        ("Epochs", f"{count(run.epochs)}, best {count(run.best_epoch)}" if run.epochs else "none: nothing is trained"),
        ("Trainable parameters", count(run.trainable_parameters)),
        ("Training speed", f"{rate(run.targets_per_second)} targets/s" if run.targets_per_second else NOTHING),
        ("Wall time", duration(run.seconds)),
    ]
    if run.data:
        sizes = (f"{count(run.data.get(name))} {name}" for name in ("users", "items", "interactions"))
        rows.insert(0, ("Data", ", ".join(sizes)))
    return rows


def layer_map(layers: list[LayerAdapter]) -> dict[str, Any] | None:
    """A row a layer, highest first as in drawings; ``step`` 0 to 9 is the colour of its rank. None without layers."""
    if not layers:
        return None
    largest = max(layer.parameters for layer in layers) or 1
    rows = [
        {
            "layer": layer.layer,
            "kind": ADAPTER_KINDS.get(layer.kind).title if layer.kind in ADAPTER_KINDS else layer.kind,
            "target": NOTHING if layer.kind == "none" else layer.target,
            "rank": NOTHING if layer.kind == "none" else str(layer.rank),
            "step": rank_step(layer.rank),
            "parameters": count(layer.parameters),
            "share": round(layer.parameters / largest, 3),
        }
        for layer in sorted(layers, key=lambda layer: -layer.layer)
    ]
    legend = [(rank_step(rank), label) for rank, label in _LEGEND]
    total = count(sum(layer.parameters for layer in layers))
    return {"rows": rows, "legend": legend, "total": total, "compact": len(rows) > COMPACT_FROM}


def rank_step(rank: int) -> int:
    """The colour step of a rank, 0 (none) to 9 (64 or more), by its logarithm."""
    if rank <= 0:
        return 0
    return min(_SCALE_STEPS - 1, 1 + round(math.log2(rank) / math.log2(_SCALE_TOP_RANK) * (_SCALE_STEPS - 2)))


def _slice(line: dict[str, Any]) -> dict[str, str]:
    return {
        "name": line["name"],
        "bounds": line["bounds"],
        "users": count(line["users"]),
        "ndcg": score(line["metrics"].get(MAIN_METRIC)),
        "range": _range(line.get("intervals", {}), MAIN_METRIC),
        "hr": score(line["metrics"].get("hr@10")),
    }


def _cell(base: str, cut: str, values: dict[str, float], intervals: dict[str, list[float]]) -> dict[str, Any]:
    name = f"{base}@{cut}" if cut else base
    return {
        "text": score(values[name]) if name in values else "",
        "range": _range(intervals, name),
        "main": name == MAIN_METRIC,
    }


def _range(intervals: dict[str, list[float]], name: str) -> str:
    """``.0541 to .0602``; empty where there is no interval."""
    return " to ".join(score(end) for end in intervals[name]) if name in intervals else ""


def _metric_name(base: str) -> str:
    return base.upper() if base in _MAIN_ORDER else base.replace("_", " ").capitalize()


def _metric_order(base: str) -> tuple[int, str]:
    return _MAIN_ORDER.index(base) if base in _MAIN_ORDER else len(_MAIN_ORDER), base
