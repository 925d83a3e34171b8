"""The end of a search from its rows: the comparison of the full trainings, and the answer. Loads the engine: child only."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.search.final import UNIFORM, WINNER, Finalists, Retrained, conclude
from engine.search.trial import Trial
from webapp.experiments.models import Run
from webapp.searches.models import SearchTrial, Stage
from workers.comparing import read_ranks_of
from workers.text import storable


def make_answer(
    pair: Finalists,
    winner: Mapping[str, Any],
    trials: Sequence[Trial],
    finals: Mapping[tuple[str, int], SearchTrial],
    rows: Sequence[SearchTrial],
) -> dict[str, Any]:
    """``engine.search.answer.answer``, storable.

    Args:
        winner: as in ``Search.winner``.
        trials: those of the search itself.
        finals: the full trainings of ``pair`` by label and seed, all finished.
        rows: all trials of all stages.

    Raises:
        UserError: the ranks of a run are gone or damaged.
    """
    from engine.search.answer import answer
    from engine.search.winner import Winner

    seeds = sorted({seed for _, seed in finals})
    sides = ([_retrained(finals[label, seed].run) for seed in seeds] for label in (WINNER, UNIFORM))
    best = next(trial for trial in trials if trial.number == winner["number"])
    found = answer(
        Winner(best, winner["mean"], winner["sd"], winner["reason"]),
        conclude(pair, *sides),
        trials,
        seconds=busy_seconds([row for row in rows if row.stage == Stage.TRIAL]),
        final_seconds=busy_seconds([row for row in rows if row.stage != Stage.TRIAL]),
    )
    stored: dict[str, Any] = storable(found)
    return stored


def busy_seconds(rows: Sequence[SearchTrial]) -> float:
    """Wall time in which at least one of ``rows`` was being proposed, waited or ran: a pause between them counts for nothing."""
    total, until = timedelta(), None
    for begin, end in sorted(map(_interval, rows)):
        total += max(end - max(begin, until or begin), timedelta())
        until = max(end, until or end)
    return round(total.total_seconds(), 2)


def _interval(row: SearchTrial) -> tuple[datetime, datetime]:
    begin = row.created_at - timedelta(seconds=row.suggestion_seconds)
    return begin, row.run.finished_at or begin


def why_failed(rows: Sequence[SearchTrial]) -> str:
    """The first of them that did not end well, in words."""
    row = next(row for row in rows if row.value is None)
    said = row.run.error or f"it was {row.run.state}" if row.run.state != "succeeded" else "its value is no number"
    return f"{row.run}: {said}"


def _retrained(run: Run) -> Retrained:
    return Retrained(
        run.valid,
        run.test,
        run.trainable_parameters or 0,
        sum(layer.parameters for layer in run.layers.all()),
        run.seconds or 0.0,
        read_ranks_of(run),
    )
