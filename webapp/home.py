"""The home page ("what needs me?") and the health check."""

from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from webapp import broker
from webapp.accounts.access import Place, find_place, get_place
from webapp.accounts.models import Project
from webapp.datasets.models import Dataset
from webapp.experiments.display import progress
from webapp.experiments.listing import run_row, with_score
from webapp.experiments.models import ACTIVE_STATES, Run, RunState
from webapp.experiments.stamps import runs_stamp
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.polling import SHARED, nothing_new, seen, shared, stamp_of, stamped

_SHOWN = 5


@page
@require_GET
def home(request: PageRequest) -> HttpResponse:
    """Counts, what runs, what failed, what is new; refreshed while something is active."""
    if find_place(request) is None:
        return render(request, "accounts/no_project.html", {"section": "home"})
    if wants_part(request):
        return _poll(request, get_place(request))
    context = _overview(get_place(request).project)
    return render(request, "home.html", {**context, "section": "home"})


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """200 if the database and the broker answer, else 503; each is said apart."""
    parts = {"database": _database_answers(), "broker": broker.answers()}
    words = {name: "ok" if fine else "does not answer" for name, fine in parts.items()}
    return JsonResponse(words, status=200 if all(parts.values()) else 503)


def _poll(request: PageRequest, place: Place) -> HttpResponse:
    stamp = _stamp(place.project)
    if seen(request) == stamp:
        return nothing_new(stamp)

    def make() -> HttpResponse:
        context = _overview(place.project)
        return living_part(request, "home.html", {**context, **SHARED}, polling=context["polling"])

    return stamped(shared(request, ("home", place.role, stamp), make), stamp)


def _stamp(project: Project) -> str:
    """Of what changes by itself: states of runs, and progress of those that are active."""
    runs = Run.objects.filter(project=project)
    counts = list(runs.values_list("state").annotate(number=Count("id")).order_by("state"))
    active = runs_stamp(runs.filter(state__in=ACTIVE_STATES))
    return stamp_of(project.pk, counts, active, clock=True)


def _overview(project: Project) -> dict[str, Any]:
    runs = with_score(Run.objects.filter(project=project))
    counts = dict(Run.objects.filter(project=project).values_list("state").annotate(number=Count("id")))
    active = list(runs.filter(state__in=ACTIVE_STATES).order_by("-id")[:_SHOWN])
    failed = list(runs.filter(state__in=(RunState.FAILED, RunState.LOST)).order_by("-id")[:_SHOWN])
    newest = list(runs.filter(state=RunState.SUCCEEDED).order_by("-finished_at", "-id")[:_SHOWN])
    working = sum(number for state, number in counts.items() if state in ACTIVE_STATES and state != RunState.QUEUED)
    return {
        "counts": {
            "running": working,
            "queued": counts.get(RunState.QUEUED, 0),
            "failed": counts.get(RunState.FAILED, 0) + counts.get(RunState.LOST, 0),
            "succeeded": counts.get(RunState.SUCCEEDED, 0),
        },
        "active": [{**run_row(run), "progress": progress(run)} for run in active],
        "failed": [{**run_row(run), "error": run.error, "hint": run.hint} for run in failed],
        "newest": [run_row(run) for run in newest],
        "datasets": Dataset.objects.filter(project=project).count(),
        "polling": bool(active),
    }


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
