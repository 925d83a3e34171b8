"""Searches as the pages show them: states, the header's figures, tables of trials."""

from typing import Any

from django.utils import timezone

from webapp.display import NOTHING, count, duration, moment, percent, score
from webapp.experiments import display as runs
from webapp.experiments.models import RunState
from webapp.searches import further
from webapp.searches.board import Board, architecture, is_uniform, settings
from webapp.searches.coordinates import adapted
from webapp.searches.models import ADVANCING_STATES, OPEN_STATES, Search, SearchState, SearchTrial, Stage, TrialState

_SHAPES = {
    SearchState.RUNNING: "●",
    SearchState.PAUSED: "\N{DOUBLE VERTICAL LINE}",
    SearchState.FINISHING: "●",
    SearchState.FINISHED: "✓",
    SearchState.FAILED: "✕",
    SearchState.CANCELLED: "\N{DOUBLE VERTICAL LINE}",
}
_ORIGINS = {
    "model": "the model",
    "sobol": "Sobol, spread out",
    "tpe": "Optuna's TPE",
    "random": "chance",
}
_STAGES = {
    Stage.TRIAL: "trial",
    Stage.RIVAL: "rival's trial",
    Stage.WINNER: "winner in full",
    Stage.UNIFORM: "uniform in full",
}
_ERROR_LENGTH = 160
_MINUS = "\N{MINUS SIGN}"


def state(search: Search) -> dict[str, str]:
    """The state's shape and word, and the name of its colour."""
    known = SearchState(search.state)
    return {"name": known.value, "shape": _SHAPES[known], "word": known.label}


def actions(search: Search) -> dict[str, bool]:
    """What may be done with the search in its state."""
    return {
        "pause": search.state in ADVANCING_STATES,
        "resume": search.state in (SearchState.PAUSED, SearchState.FAILED),
        "cancel": search.state in OPEN_STATES,
        "extend": search.state != SearchState.CANCELLED,
    }


def header(board: Board) -> dict[str, Any]:
    """The line that says how it is going: trials, the best, uniform's value, the budget."""
    search, trials = board.search, board.trials
    running = sum(1 for row in trials if row.state == TrialState.RUNNING)
    ended, failed = len(trials) - running, sum(1 for row in trials if row.state == TrialState.FAILED)
    budget = int(search.plan["space"]["budget"])
    open_ = search.state in OPEN_STATES
    fraction = ended / board.planned if board.planned else 1.0
    return {
        "state": state(search),
        "planned": count(board.planned),
        "done": count(len(board.done)),
        "running": count(running),
        "failed": count(failed) if failed else "",
        "cancelled": count(sum(1 for row in trials if row.state == TrialState.CANCELLED)),
        "to_come": count(max(0, board.planned - len(trials))) if open_ else "",
        "fraction": round(fraction, 3),
        "percent": percent(fraction),
        "best": _leader(board.best),
        "uniform": _leader(board.uniform),
        "budget": f"{count(budget)} parameters" if budget else "no limit",
        "created": moment(search.created_at),
        "finished": moment(search.finished_at),
        "choosing": search.advancing_until is not None and search.advancing_until > timezone.now(),
        "phase": _phase(board),
    }


def going(board: Board) -> list[dict[str, Any]]:
    """What waits or runs now, and what the model expected of it."""
    return [
        {
            "name": _name(row),
            "run": row.run_id,
            "state": runs.state(row.run),
            "percent": percent(float(row.run.progress.get("fraction", 0.0))) if row.run.state != RunState.QUEUED else "",
            "origin": origin(row.origin),
            "expected": expected(row),
            "acquisition": NOTHING if row.acquisition is None else f"{row.acquisition:.2f}".replace("-", _MINUS),
            "parameters": count(row.parameters),
        }
        for row in board.running
    ]


def trial_rows(board: Board) -> list[dict[str, Any]]:
    """The table of trials: those with a value, the best first, then the others, the newest first."""
    others = [row for row in reversed(board.trials) if row.value is None]
    winner, best = board.winner, board.best
    return [
        {
            "number": row.number,
            "run": row.run_id,
            "state": runs.state(row.run) if row.state == TrialState.RUNNING else _trial_state(row),
            "value": score(row.value),
            "early": row.value is not None and row.fidelity < 1,
            "mark": "winner" if row == winner else "best" if row == best else "",
            "parameters": count(row.parameters),
            "adapted": f"{adapted(row)} of {len(architecture(row))}",
            "origin": origin(row.origin),
            "uniform": is_uniform(row),
            "expected": expected(row),
            "fields": further.words(settings(row)),
            "error": row.run.error[:_ERROR_LENGTH] if row.state == TrialState.FAILED else "",
        }
        for row in [*board.done, *others]
    ]


def final_rows(board: Board) -> list[dict[str, Any]]:
    """The rival's trials and the full trainings, in the order in which they are made."""
    order = [Stage.RIVAL, Stage.UNIFORM, Stage.WINNER]
    return [
        {
            "name": _name(row),
            "run": row.run_id,
            "state": runs.state(row.run),
            "valid": score(row.value if row.stage == Stage.RIVAL else row.run.valid.get("ndcg@10")),
            "test": NOTHING if row.stage == Stage.RIVAL else score(row.run.test.get("ndcg@10")),
            "parameters": count(row.parameters),
            "seconds": duration(row.run.seconds),
        }
        for row in sorted(board.further, key=lambda row: (order.index(Stage(row.stage)), row.number))
    ]


def warnings(board: Board) -> list[str]:
    """What the suggestions complained of, each once, with the trials it concerns."""
    found: dict[str, list[str]] = {}
    for row in board.trials:
        if row.warning:
            found.setdefault(row.warning, []).append(str(row.number))
    lines = [f"{words} (trial{'s' if len(numbers) > 1 else ''} {', '.join(numbers)})" for words, numbers in found.items()]
    message = board.search.message
    if message and board.search.state != SearchState.FAILED and message not in found:
        lines.append(message)
    return lines


def expected(row: SearchTrial) -> str:
    """Mean ± standard deviation of what the model expected of a full trial; a dash where it was not asked."""
    if row.expected_mean is None:
        return NOTHING
    return f"{score(row.expected_mean)} ± {score(row.expected_sd)}" if row.expected_sd is not None else score(row.expected_mean)


def origin(name: str) -> str:
    """Who proposed it, in words."""
    return _ORIGINS.get(name, name)


def _name(row: SearchTrial) -> str:
    words = _STAGES[Stage(row.stage)]
    return f"{words}, seed {row.seed}" if row.seed is not None else f"{words} {row.number}"


def _leader(row: SearchTrial | None) -> dict[str, Any] | None:
    if row is None:
        return None
    run = row.run_id
    return {"value": score(row.value), "number": row.number, "run": run, "origin": row.origin}


def _phase(board: Board) -> str:
    if board.search.state not in OPEN_STATES:
        return ""
    stages = {row.stage for row in board.running}
    if stages & {Stage.WINNER, Stage.UNIFORM}:
        return "full trainings of the winner and of uniform LoRA of its size"
    if Stage.RIVAL in stages:
        return "tuning the rival's own settings"
    return ""


def _trial_state(row: SearchTrial) -> dict[str, str]:
    known = TrialState(row.state)
    as_run = {TrialState.DONE: RunState.SUCCEEDED, TrialState.FAILED: RunState.FAILED, TrialState.CANCELLED: RunState.CANCELLED}
    return {"name": as_run[known].value, "shape": runs.SHAPES[as_run[known]], "word": known.label}
