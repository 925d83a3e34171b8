"""Pages of searches: the list, and one search."""

import json
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from engine.errors import UserError
from webapp.accounts.access import enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.experiments.display import protocol_line
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.polling import SHARED, nothing_new, seen, shared, stamped
from webapp.searches import display, listing
from webapp.searches.access import get_search_for_user
from webapp.searches.actions import cancel_search, extend_search, pause_search, resume_search
from webapp.searches.board import Board, load
from webapp.searches.charts import best_so_far, pareto
from webapp.searches.coordinates import coordinates
from webapp.searches.launching import launch_best
from webapp.searches.layer_map import CHOICES, layer_map
from webapp.searches.models import Search, SearchTrial, TrialState
from webapp.searches.stamps import search_stamp
from webapp.searches.verdict import ending

_SEARCHES_A_PAGE = 50
_LIST, _PAGE = "searches/list.html", "searches/search.html"
_PARTS = ("actions", "verdict", "charts", "map", "trials")
"""Blocks that are sent again only after something has changed; ``live`` is sent with every poll."""
_SAID = {
    "pause": "{} is paused: what runs comes to its end, nothing new starts.",
    "resume": "{} goes on.",
    "cancel": "{} is cancelled; trials that run stop at their next checkpoint.",
    "extend": "{} now has {} trials.",
}


@page
@require_GET
def search_list(request: PageRequest) -> HttpResponse:
    """The project's searches, newest first; the table refreshes itself while one is at work."""
    project = get_place(request).project
    shown = Paginator(listing.listed(project), _SEARCHES_A_PAGE).get_page(request.GET.get("page"))
    polling = listing.is_advancing(project)
    context = {"page": shown, "rows": [listing.line(search) for search in shown], "polling": polling, "section": "searches"}
    if wants_part(request):
        return living_part(request, _LIST, context, polling=polling)
    return render(request, _LIST, context)


@page
@require_http_methods(["GET", "POST"])
def search_page(request: PageRequest, pk: int) -> HttpResponse:
    """A search: how it is going, which layers matter, and if it was worth it. POST pauses, resumes, cancels or
    extends it, or launches its best."""
    if request.method == "GET" and wants_part(request):
        return _poll(request, pk)
    search = get_search_for_user(request.user, pk)
    enter_project(request, search.project)
    if request.method == "POST":
        require_role(request.user, search.project, Role.RESEARCHER)
        if request.POST.get("action") == "launch":
            return _launch(request, search)
        _act(request, search)
        return redirect("search", pk=search.pk)
    board = load(search)
    plan = json.dumps(search.plan, indent=2)
    context = {**_live(board), **_outcome(board, request.GET.get("map", "")), "plan": plan, "section": "searches"}
    return render(request, _PAGE, context)


def _poll(request: PageRequest, pk: int) -> HttpResponse:
    stamp, role = search_stamp(request.user, pk)
    if seen(request) == stamp:
        return nothing_new(stamp)

    def make() -> HttpResponse:
        search = get_search_for_user(request.user, pk)
        enter_project(request, search.project)
        return _refresh(request, load(search))

    shown = (request.GET.get("seen", "")[:20], request.GET.get("map", "")[:20])
    return stamped(shared(request, ("search", pk, role, stamp, *shown), make), stamp)


def _refresh(request: PageRequest, board: Board) -> HttpResponse:
    context = {**_live(board), **SHARED}
    changed = request.GET.get("seen") != board.stamp
    if changed:
        context |= _outcome(board, request.GET.get("map", ""))
    return living_part(request, _PAGE, context, polling=board.polling, parts=_PARTS if changed else ())


def _launch(request: PageRequest, search: Search) -> HttpResponse:
    try:
        run, trial = launch_best(search, request.user)
    except UserError as error:
        messages.warning(request, str(error))
        return redirect("search", pk=search.pk)
    messages.success(request, f"{run} is queued: a full training of the architecture of trial {trial.number} of {search}.")
    return redirect("run", pk=run.pk)


def _act(request: PageRequest, search: Search) -> None:
    action = str(request.POST.get("action", ""))
    try:
        if action == "pause":
            pause_search(search, request.user)
        elif action == "resume":
            resume_search(search, request.user)
        elif action == "cancel":
            cancel_search(search, request.user)
        elif action == "extend":
            extend_search(search, request.user, _number(request.POST.get("more", "")))
        else:
            raise UserError(f"There is no action {action!r}.", "Use the buttons of the page.")
    except UserError as error:
        messages.warning(request, str(error))
        return
    messages.success(request, _SAID[action].format(search, search.plan["trials"]))


def _number(text: str) -> int:
    """A whole number of trials; raises UserError for other text."""
    if not (text.strip().isdecimal() and len(text) < 10):
        raise UserError(f"More trials: got {text[:40]!r}, must be a whole number.", "Say how many trials to add.")
    return int(text)


def _live(board: Board) -> dict[str, Any]:
    return {
        "search": board.search,
        "head": display.header(board),
        "can": display.actions(board.search),
        "going": display.going(board),
        "polling": board.polling,
        "stamp": board.stamp,
    }


def _outcome(board: Board, chosen: str) -> dict[str, Any]:
    search = board.search
    chosen = chosen if chosen in CHOICES else "all"
    return {
        "map_choices": CHOICES,
        "map_chosen": chosen,
        "end": ending(search),
        "protocol": _protocol(search),
        "progress_chart": best_so_far(board),
        "pareto_chart": pareto(board),
        "coordinates": coordinates(board),
        "map": layer_map(board, search.winner.get("importance"), chosen),
        "trials": display.trial_rows(board),
        "finals": display.final_rows(board),
        "warnings": display.warnings(board),
        "searched": [field["path"] for field in search.plan["space"]["further"]],
    }


def _protocol(search: Search) -> str:
    """Of the first finished trial: all of a search share one."""
    done = SearchTrial.objects.filter(search=search, state=TrialState.DONE)
    found = done.order_by("pk").values_list("run__protocol", flat=True).first()
    return protocol_line(found or {})
