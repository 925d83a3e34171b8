"""The home page ("what needs me?"), and the sign that this process lives."""

import time

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe

from webapp.accounts.access import Place, find_place, get_place
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.overview import overview
from webapp.polling import SHARED, shared

_FRESH_SECONDS = 2


@page
@require_GET
def home(request: PageRequest) -> HttpResponse:
    """Counts, what runs, what failed, what is new; refreshed while something is active."""
    if find_place(request) is None:
        return render(request, "accounts/no_project.html", {"section": "home"})
    place = get_place(request)
    if wants_part(request):
        return _poll(request, place)
    return render(request, "home.html", {**overview(place), "section": "home"})


def _poll(request: PageRequest, place: Place) -> HttpResponse:
    """What the page shows of many things is asked for once in two seconds, however many people look at it."""

    def make() -> HttpResponse:
        context = overview(place)
        return living_part(request, "home.html", {**context, **SHARED}, polling=context["polling"])

    projects = tuple(sorted(project.pk for project in place.projects))
    return shared(request, ("home", place.project.pk, place.role, projects, int(time.time() / _FRESH_SECONDS)), make)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200: this process answers. It looks at nothing else, so that a restart is not asked for where it would not help."""
    return JsonResponse({"web": "ok"})
