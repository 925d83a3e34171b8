"""Starting what comes next in a search, step by step, inside the child process. Each step is one transaction."""

import logging
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from webapp.experiments.actions import ask_for_all, create_run
from webapp.experiments.models import Run
from webapp.notices.writing import search_ended
from webapp.quotas.room import QuotaExceededError
from webapp.searches.models import ADVANCING_STATES, Search, SearchState, SearchTrial
from workers.database import DATABASE_DOWN
from workers.failures import explain
from workers.searches.decision import Decider, Decision, Launch
from workers.searches.settling import fail, free_places, is_due, lock_search, settle, standing
from workers.text import storable

_log = logging.getLogger(__name__)


def advance_search(pk: int) -> None:
    """Start what comes next until there is nothing to start; a search that cannot go on is failed, with the reason.

    Raises django.db.OperationalError or InterfaceError if the database is away: it is looked at again later.
    """
    try:
        while step(pk):
            pass
    except DATABASE_DOWN:
        raise
    except QuotaExceededError as error:
        if error.passes:
            # Others have filled the queue meanwhile; beat finds the search standing still once there is room.
            _log.info("search %d waits: %s", pk, error.message)
            return
        _fail(pk, error)
    except Exception as error:
        _fail(pk, error)


def _fail(pk: int, error: Exception) -> None:
    failure = explain(error)
    with transaction.atomic():
        search = lock_search(pk)
        if search is not None:
            fail(search, failure)


def step(pk: int) -> bool:
    """Decide and do one thing; False if there was nothing to do."""
    search = settle(pk)
    if search is None or not is_due(search):
        return False
    seen, free = standing(search), free_places(search)
    trials = search.trials.select_related("run").defer(
        "run__spec", "run__slices", "run__intervals", "run__mask", "run__data", "run__warnings"
    )
    rows = list(trials.order_by("stage", "number"))
    decision = Decider(search, rows, free).decide()
    return _apply(pk, seen, len(rows), decision)


@transaction.atomic
def _apply(pk: int, seen: str, known: int, decision: Decision) -> bool:
    """Do what was decided, if it is still the next thing: the rows were not locked while it was worked out.

    New trials only need that no others have come meanwhile; an end needs that nothing at all has changed.
    """
    search = lock_search(pk)
    if search is None or search.state not in ADVANCING_STATES:
        return False
    if search.trials.count() != known or (standing(search) != seen and not decision.launches):
        return True
    columns: dict[str, Any] = {"losses": 0, "state": SearchState.FINISHING if decision.final else SearchState.RUNNING}
    if decision.winner:
        columns["winner"] = storable(decision.winner)
    if decision.note:
        columns["message"] = decision.note
    if decision.launches:
        warning = _launch(search, decision.launches)
        if warning:
            columns["message"] = warning
    else:
        columns["settled"] = seen
        if decision.answer is not None:
            columns.update(state=SearchState.FINISHED, answer=decision.answer, finished_at=Now())
    Search.objects.filter(pk=pk).update(**columns)
    if columns["state"] == SearchState.FINISHED:
        search_ended(pk)
    return bool(decision.launches)


def _launch(search: Search, launches: list[Launch]) -> str:
    """Create the trials and their runs; returns the last of their warnings. Workers are asked after the transaction."""
    runs: list[Run] = []
    warnings = []
    for launch in launches:
        last = search.trials.filter(stage=launch.stage).aggregate(last=Max("number"))["last"]
        run = create_run(search.version, search.created_by, launch.spec)
        proposal = launch.proposal
        SearchTrial.objects.create(
            search=search,
            stage=launch.stage,
            number=0 if last is None else last + 1,
            candidate=launch.candidate,
            fingerprint=launch.fingerprint,
            origin=proposal.origin[:200],
            expected_mean=storable(proposal.mean),
            expected_sd=storable(proposal.sd),
            acquisition=storable(proposal.acquisition),
            suggestion_seconds=launch.seconds,
            parameters=launch.parameters,
            warning=proposal.warning,
            run=run,
        )
        runs.append(run)
        warnings += [proposal.warning] if proposal.warning else []
    transaction.on_commit(lambda: ask_for_all(runs))
    _log.info("%s: %s %s", search, launches[0].stage, ", ".join(str(run) for run in runs))
    return warnings[-1] if warnings else ""
