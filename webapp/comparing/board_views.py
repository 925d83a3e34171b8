"""The leaderboard of a version."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from webapp.accounts.access import enter_project, get_place
from webapp.comparing.leaderboard import boards, table
from webapp.datasets.access import get_version_for_user
from webapp.datasets.models import HEAVY, Version
from webapp.experiments.models import Run, RunState
from webapp.http import PageRequest, page


@page
@require_GET
def leaderboard(request: PageRequest) -> HttpResponse:
    """``?version=ID``: its methods, each by the configuration that validation chose; without: the versions to choose from."""
    asked = request.GET.get("version", "")
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 19):
        return _choice(request)
    version = get_version_for_user(request.user, int(asked))
    enter_project(request, version.dataset.project)
    by_preset = request.GET.get("by") == "preset"
    tables = [table(board, by_preset) for board in boards(version)]
    context = {"version": version, "tables": tables, "by_preset": by_preset, "section": "compare"}
    return render(request, "comparing/leaderboard.html", context)


def _choice(request: PageRequest) -> HttpResponse:
    place = get_place(request)
    finished = Run.objects.filter(project=place.project, state=RunState.SUCCEEDED).exclude(test={})
    known = Version.objects.filter(pk__in=finished.values("version"))
    versions = known.select_related("dataset").defer(*HEAVY).order_by("dataset__name", "-number")
    return render(request, "comparing/leaderboard.html", {"versions": list(versions), "section": "compare"})
