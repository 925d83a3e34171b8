"""What the home page shows of a project: numbers, what runs, what failed, what is new, who works. Seven queries."""

from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import Cast, Concat, RowNumber

from webapp.accounts.access import Place
from webapp.accounts.models import Project
from webapp.datasets.display import state as version_state
from webapp.datasets.models import HEAVY, Dataset, Review, Version, VersionState
from webapp.display import score, since
from webapp.experiments.best import best_row, newest_best
from webapp.experiments.display import progress
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.listing import run_row, with_score
from webapp.experiments.models import ACTIVE_STATES, ENDED_STATES, WORKING_STATES, Run, RunEvent, RunState
from webapp.fleet.display import worker_marks
from webapp.fleet.queues import backlog_of, backlog_parts
from webapp.fleet.standing import read_fleet
from webapp.searches.listing import line, listed
from webapp.searches.models import ADVANCING_STATES, OPEN_STATES

_SHOWN = 5
_BEST_SHOWN = 4
_BROKEN = (RunState.FAILED, RunState.LOST)
_STATE, _DATASETS, _REVIEWS = "state ", "datasets", "reviews"


def overview(place: Place) -> dict[str, Any]:
    """The context of the home page's living part."""
    project = place.project
    lines = list(_numbers(project))
    numbers = {entry["task"]: entry["number"] for entry in lines}
    counts = {state: numbers.get(f"{_STATE}{state.value}", 0) for state in RunState}
    runs = list(_newest_runs(project))
    active = [run for run in runs if run.state in ACTIVE_STATES]
    searches = list(listed(project).filter(state__in=OPEN_STATES)[:_SHOWN])
    versions = list(_versions_at_work(project))
    fleet = read_fleet(frozenset(one.pk for one in place.projects))
    backlogs = backlog_of([entry for entry in lines if not _is_ours(entry["task"])])
    return {
        "counts": {
            "running": sum(counts[state] for state in WORKING_STATES),
            "queued": counts[RunState.QUEUED],
            "failed": sum(counts[state] for state in _BROKEN),
            "succeeded": counts[RunState.SUCCEEDED],
        },
        "active": [{**run_row(run), "progress": progress(run), "metric": _newest_metric(run)} for run in active],
        "failed": [{**run_row(run), "error": run.error, "hint": run.hint} for run in runs if run.state in _BROKEN],
        "best": [best_row(best) for best in newest_best(project, _BEST_SHOWN)],
        "searches": [line(search) for search in searches],
        "versions": [_version_row(version) for version in versions],
        "datasets": numbers.get(_DATASETS, 0),
        "reviews": numbers.get(_REVIEWS, 0) if place.may_curate else 0,
        "runs": sum(counts[state] for state in (*ACTIVE_STATES, *ENDED_STATES)),
        "workers": worker_marks(fleet),
        # The broker is not asked: this page must come at once, whatever is away.
        "stuck": [why for name in backlogs if backlogs[name].rows and (why := fleet.why(backlogs[name], 1)).kind == "warning"],
        "polling": bool(active or versions or any(search.state in ADVANCING_STATES for search in searches)),
    }


def _is_ours(name: str) -> bool:
    return name.startswith(_STATE) or name in (_DATASETS, _REVIEWS)


def _numbers(project: Project) -> "QuerySet[Any, dict[str, Any]]":
    """``task`` and ``number``: runs by state, datasets, versions to review; and what waits in the queues, of all projects."""
    states = Run.objects.filter(project=project).annotate(task=Concat(Value(_STATE), "state", output_field=CharField()))
    parts = [
        _counted(states, "created_at"),
        _counted(Dataset.objects.filter(project=project).annotate(task=Value(_DATASETS)), "created_at"),
        _counted(
            Version.objects.filter(dataset__project=project, state=VersionState.READY, review=Review.SUBMITTED).annotate(
                task=Value(_REVIEWS)
            ),
            "created_at",
        ),
    ]
    return parts[0].union(*parts[1:], *backlog_parts(), all=True)


def _counted(rows: "QuerySet[Any]", since: str) -> "QuerySet[Any, dict[str, Any]]":
    counted = rows.order_by().values("task").annotate(number=Count("pk"), oldest=Cast(Min(since), DateTimeField()))
    united: QuerySet[Any, dict[str, Any]] = counted.values("task", "number", "oldest")
    return united


def _newest_runs(project: Project) -> "QuerySet[Run]":
    """Active runs, those at work first, and the newest that failed; ``measured`` is the last validation that a run reported."""
    last = RunEvent.objects.filter(run=OuterRef("pk"), type="metric", payload__split="valid").order_by("-attempt", "-sequence")
    shown = Run.objects.filter(project=project, state__in=(*ACTIVE_STATES, *_BROKEN), archived_at=None)
    active = Case(When(state__in=ACTIVE_STATES, then=Value(1)), default=Value(0), output_field=IntegerField())
    waits = Case(When(state=RunState.QUEUED, then=Value(1)), default=Value(0), output_field=IntegerField())
    placed = with_score(shown).annotate(
        place=Window(RowNumber(), partition_by=active, order_by=[waits, F("id").desc()]),
        measured=Subquery(last.values("payload")[:1]),
    )
    return placed.filter(place__lte=_SHOWN).order_by("place")


def _newest_metric(run: Run) -> str:
    """``NDCG@10 .0510 (valid, epoch 7)``; empty before the first validation."""
    payload = run.measured or {}  # type: ignore[attr-defined]
    value = payload.get("values", {}).get(MAIN_METRIC)
    return "" if value is None else f"NDCG@10 {score(value)} (valid, epoch {payload.get('epoch')})"


def _versions_at_work(project: Project) -> "QuerySet[Version]":
    working = Q(state__in=(VersionState.QUEUED, VersionState.INGESTING), dataset__project=project)
    return Version.objects.filter(working).select_related("dataset").defer(*HEAVY, "report").order_by("-id")[:_SHOWN]


def _version_row(version: Version) -> dict[str, Any]:
    done, of = version.progress.get("done", 0), version.progress.get("of", 0)
    return {
        "dataset": version.dataset_id,
        "number": version.number,
        "name": str(version),
        "step": version.progress.get("step") or f"waiting for a worker, for {since(version.created_at)}",
        "fraction": round(done / of, 3) if of else None,
        "state": version_state(version),
    }
