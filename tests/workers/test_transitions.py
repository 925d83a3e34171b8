"""Neither too eager nor too slow: each state that passes is left alone just before its time, and ended just after it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from tests.workers.fixtures import FAST, Run, RunState, Version, VersionState
from webapp.datasets.models import Derived, DerivedKind, DerivedState, QuestionState
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.actions import request_cancel
from webapp.searches.models import SearchState, TrialState
from webapp.serving.models import Ask, AskKind, AskState
from workers.claims import claim_run
from workers.reaping import Reaper
from workers.sweep import KEPT_FOR
from workers.timings import Timings
from workers.transitions import SWEPT_AFTER, TRANSITIONS

STATES = (RunState.STARTING, RunState.RUNNING, RunState.EVALUATING)
SLACK = 5
"""Seconds: the time that a test may take between two lines."""
FINAL = {
    "run": {RunState.DRAFT, RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.LOST},
    "version": {VersionState.READY, VersionState.FAILED, VersionState.DELETED},
    "derived": {DerivedState.READY, DerivedState.FAILED},
    "lists": {ListsState.READY, ListsState.FAILED, ListsState.CANCELLED},
    "question": {QuestionState.ANSWERED, QuestionState.FAILED},
    "ask": {AskState.ANSWERED, AskState.FAILED},
    "search": {SearchState.FINISHED, SearchState.FAILED, SearchState.CANCELLED},
    "trial": {TrialState.DONE, TrialState.FAILED, TrialState.CANCELLED},
}
MakeRun = Callable[..., Run]
Begin = Callable[[MakeRun, Version], Model]


def working(state: RunState) -> Begin:
    def begin(make_run: MakeRun, version: Version) -> Run:
        run = make_run()
        assert claim_run(run.pk) is not None
        Run.objects.filter(pk=run.pk).update(state=state)
        return run

    return begin


def cancelling(make_run: MakeRun, version: Version) -> Run:
    run = make_run()
    assert claim_run(run.pk) is not None
    request_cancel(run)
    return run


def ingesting(make_run: MakeRun, version: Version) -> Version:
    return Version.objects.create(dataset=version.dataset, number=2, state=VersionState.INGESTING, attempt=1)


def making(make_run: MakeRun, version: Version) -> Derived:
    values = {"kind": DerivedKind.CSV, "asked_at": timezone.now()}
    return Derived.objects.create(version=version, state=DerivedState.MAKING, attempt=1, **values)


def making_lists(make_run: MakeRun, version: Version) -> UserLists:
    return UserLists.objects.create(run=make_run(), form="csv", k=5, state=ListsState.MAKING, attempt=1)


def taken(make_run: MakeRun, version: Version) -> Ask:
    return Ask.objects.create(run=make_run(), kind=AskKind.USER, question={}, taken_at=timezone.now())


def standing(row: Model) -> Any:
    """What changes when the reaper acts."""
    found: Any = type(row)._default_manager.get(pk=row.pk)
    return found.taken_at if isinstance(found, Ask) else found.state


@pytest.mark.parametrize(
    "begin",
    [*map(working, STATES), cancelling, ingesting, making, making_lists, taken],
    ids=[*STATES, "cancelling", "ingesting", "deriving", "lists", "ask"],
)
def test_a_worker_is_lost_after_its_silence_and_not_before(begin: Begin, make_run: MakeRun, version: Version) -> None:
    row = begin(make_run, version)
    before = standing(row)
    reaper = Reaper(FAST)

    def silent_for(seconds: float) -> Any:
        type(row)._default_manager.filter(pk=row.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=seconds))
        reaper.look()
        return standing(row)

    assert silent_for(FAST.silence - SLACK) == before
    assert silent_for(FAST.silence + 1) != before


def test_a_reaper_judges_nobody_before_it_was_awake_for_long_enough(make_run: MakeRun) -> None:
    run = make_run()
    assert claim_run(run.pk) is not None
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    clock = [1000.0]
    reaper = Reaper(FAST, clock=lambda: clock[0])
    # The database is as old as it is: a second must do.
    reaper.timings = replace(FAST, quiet_start=0.5)
    clock[0] += 0.4
    reaper.look()
    assert standing(run) == RunState.STARTING
    clock[0] += 0.2
    reaper.look()
    assert standing(run) == RunState.QUEUED


def test_the_table_has_every_state_that_passes() -> None:
    told: dict[str, set[str]] = {}
    for each in TRANSITIONS:
        told.setdefault(each.row, set()).add(each.state)
    for row, final in FINAL.items():
        states = {str(state) for state in type(next(iter(final))).values}  # type: ignore[attr-defined]
        assert states - {str(state) for state in final} <= told[row], row
        assert not {str(state) for state in final} & told[row], row


def test_a_state_that_a_worker_was_to_have_is_given_up_within_a_minute() -> None:
    promised = [
        each for each in TRANSITIONS if "attempt" in each.way_out or "loss" in each.way_out or "cancelled" in each.way_out
    ]
    assert len(promised) >= 8
    timings = Timings()
    late = [
        each.state
        for each in promised
        if each.seconds(timings) > 60 and "goes on" not in each.state and each.row not in ("search", "trial")
    ]
    assert late == []
    assert KEPT_FOR.total_seconds() == SWEPT_AFTER
