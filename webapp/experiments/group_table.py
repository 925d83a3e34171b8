"""The table of a group: one row a variant, formatted."""

from collections import Counter
from statistics import mean, stdev
from typing import Any

from webapp.display import NOTHING, count, duration, percent, score
from webapp.experiments import display
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.groups import Standing
from webapp.experiments.models import ACTIVE_STATES, GroupVariant, Run, RunState

SECOND_METRIC = "hr@10"
_MINUS = "\N{MINUS SIGN}"
_SMALLEST_P = 0.001
_ERROR_LENGTH = 160


def rows(standing: Standing) -> list[dict[str, Any]]:
    """The variants, the base first."""
    return [_row(standing, variant) for variant in standing.variants]


def table(standing: Standing) -> dict[str, Any]:
    """One version's table: its rows, and what must stand above them."""
    return {
        "version": standing.version,
        "rows": rows(standing),
        "protocol": display.protocol_line(standing.protocol),
        "users": count(standing.users) if standing.users else "",
        "active": standing.active,
        "compared": len(standing.variants) > 1,
    }


def totals(standings: list[Standing]) -> dict[str, Any]:
    """How many runs there are in each state, and how far all of them are."""
    runs = [run for standing in standings for found in standing.runs.values() for run in found]
    done = sum(float(run.progress.get("fraction", 0.0)) if run.state in ACTIVE_STATES else 1.0 for run in runs)
    fraction = done / len(runs) if runs else 1.0
    return {
        "runs": count(len(runs)),
        "states": _states(runs),
        "fraction": round(fraction, 3),
        "percent": percent(fraction),
        "cancellable": any(run.state in ACTIVE_STATES and run.state != RunState.CANCELLING for run in runs),
    }


def _row(standing: Standing, variant: GroupVariant) -> dict[str, Any]:
    runs, counted = standing.runs[variant.pk], standing.counted[variant.pk]
    seconds = [run.seconds for run in counted if run.seconds is not None]
    return {
        "label": variant.label,
        "sentence": variant.sentence,
        "base": variant.pk == standing.variants[0].pk,
        "seeds": [_seed(run) for run in runs],
        "states": [] if len(counted) == len(runs) else _states(runs),
        "ndcg": _spread(counted, MAIN_METRIC),
        "hr": _spread(counted, SECOND_METRIC),
        "comparison": _comparison(standing, variant),
        "parameters": count(counted[0].trainable_parameters) if counted else NOTHING,
        "seconds": duration(mean(seconds)) if seconds else NOTHING,
        "notes": _notes(runs, counted),
    }


def _seed(run: Run) -> dict[str, Any]:
    shown = {"pk": run.pk, "seed": run.seed, "state": display.state(run)}  # type: ignore[attr-defined]
    fraction = float(run.progress.get("fraction", 0.0))
    return {**shown, "percent": percent(fraction) if run.state in ACTIVE_STATES and fraction else ""}


def _states(runs: list[Run]) -> list[dict[str, Any]]:
    """States with their numbers, in the order of a run's life."""
    numbers = Counter(run.state for run in runs)
    return [
        {"name": state.value, "shape": display.SHAPES[state], "word": f"{numbers[state]} {state.label}"}
        for state in RunState
        if numbers[state]
    ]


def _spread(runs: list[Run], metric: str) -> dict[str, str]:
    """The mean over seeds, and their standard deviation (n - 1) where there are several."""
    values = [run.test[metric] for run in runs if metric in run.test]
    return {
        "mean": score(mean(values)) if values else NOTHING,
        "deviation": score(stdev(values)) if len(values) > 1 else "",
    }


def _comparison(standing: Standing, variant: GroupVariant) -> dict[str, str]:
    """``state``: "base", "none" (a side has no finished run), "waiting", "problem" or "there"."""
    if variant.pk == standing.variants[0].pk:
        return {"state": "base"}
    if standing.pair(variant) is None:
        return {"state": "none"}
    if not standing.compared(variant):
        return {"state": "waiting"}
    if "values" not in variant.comparison:
        return {"state": "problem", "words": str(variant.comparison.get("problem", ""))}
    values = variant.comparison["values"]
    p = float(values["p"])
    return {
        "state": "there",
        "difference": signed(values["difference"]),
        "interval": f"{signed(values['low'])} to {signed(values['high'])}",
        "relative": "" if values["relative"] is None else _signed(f"{values['relative'] * 100:.1f} %"),
        "p": "< .001" if p < _SMALLEST_P else f"{p:.3f}".removeprefix("0"),
    }


def signed(value: float) -> str:
    """A difference of metrics: ``+.0012``, with a minus sign below 0, and without a sign where all that is shown is 0."""
    return _signed(f"{value:.4f}").replace("0.", ".", 1) if abs(value) < 1 else _signed(f"{value:.4f}")


def _signed(text: str) -> str:
    digits = text.removeprefix("-")
    if not any(digit in digits for digit in "123456789"):
        return digits
    return f"{_MINUS if text.startswith('-') else '+'}{digits}"


def _notes(runs: list[Run], counted: list[Run]) -> list[dict[str, str]]:
    """What a reader must know of runs that are not in the numbers; ``kind`` is "bad" for what went wrong."""
    notes = []
    cancelled = [str(run.seed) for run in runs if run.state == RunState.CANCELLED]  # type: ignore[attr-defined]
    if cancelled:
        words = f"Seed {cancelled[0]} was" if len(cancelled) == 1 else f"Seeds {', '.join(cancelled)} were"
        notes.append({"kind": "", "text": f"{words} cancelled."})
    for run in runs:
        seed = run.seed  # type: ignore[attr-defined]
        if run.state in (RunState.FAILED, RunState.LOST):
            reason = run.error if len(run.error) <= _ERROR_LENGTH else f"{run.error[:_ERROR_LENGTH]}…"
            ended = "failed" if run.state == RunState.FAILED else "was lost"
            notes.append({"kind": "bad", "text": f"Seed {seed} {ended}: {reason or 'no reason was reported'}"})
        elif run.state == RunState.SUCCEEDED and run not in counted:
            notes.append({"kind": "bad", "text": f"Seed {seed} was measured under another protocol and is left out."})
    return notes
