"""The search box of every page: a run, search, group, dataset or project by its name or number."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from webapp.datasets.models import HEAVY_OF_VERSION, Dataset
from webapp.experiments import display
from webapp.experiments.access import runs_for_user
from webapp.experiments.listing import with_score
from webapp.experiments.models import RunGroup
from webapp.http import PageRequest, page
from webapp.searches.access import searches_for_user

_SHOWN = 20
_LONGEST = 200
_MANY = 2**31
_NUMBERED = re.compile(r"(?P<kind>[a-z]*)[- #]?(?P<number>\d{1,18})", re.IGNORECASE)


@dataclass(frozen=True)
class Hit:
    """Something that was found: what kind it is, its name, its address, and what tells it from others."""

    kind: str
    name: str
    address: str
    details: str


@page
@require_GET
def find(request: PageRequest) -> HttpResponse:
    """What fits ``q`` in all projects of the user; a name with a number, like run-12, leads there at once."""
    words = " ".join(str(request.GET.get("q", "")).replace("\x00", "").split())[:_LONGEST]
    there = _named(request.user, words)
    if there:
        return redirect(there)
    hits = list(_hits(request.user, words)) if words else []
    return render(request, "find.html", {"words": words, "hits": hits, "most": _SHOWN})


def _named(user: User, words: str) -> str | None:
    """The address of what bears this number; None if there is nothing like that, not one alone, or it is not the user's."""
    match = _NUMBERED.fullmatch(words)
    if match is None:
        return None
    kind, number = match["kind"].lower(), int(match["number"])
    if kind in ("", "run"):
        return reverse("run", args=[number]) if runs_for_user(user).filter(pk=number).exists() else None
    if kind == "search":
        # They are counted in each project.
        found = list(searches_for_user(user).filter(number=number).values_list("pk", flat=True)[:2]) if number < _MANY else []
        return reverse("search", args=found) if len(found) == 1 else None
    group = RunGroup.objects.filter(project__memberships__user=user, pk=number, kind=kind).exists()
    return reverse("group", args=[number]) if group else None


def _hits(user: User, words: str) -> Iterator[Hit]:
    mine = Q(project__memberships__user=user)
    for membership in user.memberships.filter(project__name__icontains=words).select_related("project")[:_SHOWN]:
        yield Hit("project", str(membership.project), reverse("project", args=[membership.project_id]), membership.role)
    for dataset in Dataset.objects.filter(mine, name__icontains=words).select_related("project").order_by("name", "pk")[:_SHOWN]:
        yield Hit("dataset", dataset.name, reverse("dataset", args=[dataset.pk]), dataset.project.name)
    groups = RunGroup.objects.filter(mine, name__icontains=words).select_related("version__dataset").defer(*HEAVY_OF_VERSION)
    for group in groups.order_by("-pk")[:_SHOWN]:
        yield Hit(group.get_kind_display(), f"{group}: {group.name}", reverse("group", args=[group.pk]), str(group.version))
    fits = Q(method__icontains=words) | Q(preset__icontains=words) | Q(version__dataset__name__icontains=words)
    fits |= Q(variant__label__icontains=words)
    match = _NUMBERED.fullmatch(words)
    of_search = Q(version__dataset__name__icontains=words)
    if match and match["kind"].lower() == "search" and int(match["number"]) < _MANY:
        of_search |= Q(number=int(match["number"]))
    searches = searches_for_user(user).filter(of_search).select_related("project", "version__dataset")
    for search in searches.defer(*HEAVY_OF_VERSION, "plan", "answer").order_by("-pk")[:_SHOWN]:
        details = f"on {search.version} in {search.project} · {search.get_state_display()}"
        yield Hit("search", str(search), reverse("search", args=[search.pk]), details)
    # Trials have no names of their own: they are found by their search.
    for run in with_score(runs_for_user(user).filter(fits, search_trial=None)).order_by("-pk")[:_SHOWN]:
        details = f"{display.method_title(run.method)} on {run.version} · {run.get_state_display()}"
        yield Hit("run", str(run), reverse("run", args=[run.pk]), details)
