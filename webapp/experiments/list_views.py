"""Pages of many runs: the list, its columns, and one change of many."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from engine.errors import UserError
from webapp.accounts.access import Place, get_place, require_role
from webapp.display import count
from webapp.experiments import columns as cells
from webapp.experiments.bulk import ACTIONS, MOST, change_many, deletable
from webapp.experiments.list_page import context, poller, with_new_condition
from webapp.experiments.listing import Listing, find_columns, own_columns
from webapp.experiments.models import ACTIVE_STATES, Run, RunColumns
from webapp.http import STOP_POLLING, PageRequest, page, wants_part
from webapp.polling import shared, stamp_of

_RUNS_A_PAGE = 50
_LIST = "experiments/runs.html"
_POLLED = 100
COMPARED = (2, 100)
"""Fewest and most runs to compare."""


@page
@require_GET
def run_list(request: PageRequest) -> HttpResponse:
    """The project's runs, filtered, sorted and in pages by keyset; rows of active runs refresh themselves."""
    place = get_place(request)
    if request.GET.get("field", "").strip():
        return redirect(f"{reverse('runs')}?{with_new_condition(request.GET)}")
    listing = Listing.from_query(request.GET, own_columns(request.user) if "columns" not in request.GET else ())
    if wants_part(request):
        return _refresh(request, listing, place)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    shown = listing.page(place.project, request.user, _RUNS_A_PAGE, after, before)
    total = listing.count(place.project, request.user)
    return render(request, _LIST, context(listing, place, shown, total))


@page
@require_POST
def choose_columns(request: PageRequest) -> HttpResponse:
    """Show these columns: in the address from now on, and, if wanted, whenever an address names none."""
    listing = _listing_of(request)
    wanted = [*request.POST.getlist("column"), *request.POST.get("more", "").replace(";", ",").split(",")]
    found, wrong = find_columns([name.strip() for name in wanted if name.strip()])
    for _, error in wrong:
        messages.warning(request, str(error))
    if not found:
        messages.info(request, "No column was chosen; these are the usual ones.")
    names = [field.name for field in found] or list(cells.DEFAULT)
    if request.POST.get("keep"):
        RunColumns.objects.update_or_create(user=request.user, defaults={"names": names})
    return redirect(f"{reverse('runs')}?{listing.address(named=tuple(names))}")


@page
@require_POST
def change_runs(request: PageRequest) -> HttpResponse:
    """Do one thing with the ticked runs, or with all that match; deleting asks first."""
    place, listing = get_place(request), _listing_of(request)
    back = f"{reverse('runs')}?{listing.here}"
    action, tag = request.POST.get("action", ""), request.POST.get("tag", "")
    try:
        ids = _chosen(request, listing, place)
        if action == "compare":
            return redirect(_compare_address(ids))
        if action == "delete" and not request.POST.get("sure"):
            require_role(request.user, place.project, ACTIONS["delete"].role)
            return _ask(request, listing, place, ids)
        outcome = change_many(place.project, request.user, action, ids, tag)
    except UserError as error:
        messages.warning(request, str(error))
        return redirect(back)
    if outcome.said:
        messages.success(request, outcome.said)
    for reason in outcome.reasons:
        messages.warning(request, reason)
    return redirect(back)


def _ask(request: PageRequest, listing: Listing, place: Place, ids: list[int]) -> HttpResponse:
    outcome = deletable(place.project, request.user, ids)
    shown = {
        "ids": outcome.done,
        "number": count(len(outcome.done)),
        "reasons": outcome.reasons,
        "here": listing.here,
        "section": "runs",
    }
    return render(request, "experiments/delete_runs.html", shown)


def _chosen(request: PageRequest, listing: Listing, place: Place) -> list[int]:
    if request.POST.get("all"):
        if listing.problems:
            raise UserError(
                "A part of the filter makes no sense, so it is not sure which runs you mean.", "Mend the filter first."
            )
        found = listing.query(place.project, request.user).order_by("-pk").values_list("pk", flat=True)[: MOST + 1]
        return list(found)
    numbers = request.POST.getlist("run")
    return [int(number) for number in dict.fromkeys(numbers) if number.isdecimal() and len(number) < 19]


def _compare_address(ids: list[int]) -> str:
    fewest, most = COMPARED
    if not fewest <= len(ids) <= most:
        raise UserError(f"Comparing takes {fewest} to {most} runs; {count(len(ids))} are chosen.", "Tick others.")
    return f"/compare?{urlencode({'runs': ','.join(map(str, ids))}, safe=',')}"


def _listing_of(request: PageRequest) -> Listing:
    """The list that a form was sent from."""
    return Listing.from_query(QueryDict(request.POST.get("here", "")[:8000]), own_columns(request.user))


def _refresh(request: PageRequest, listing: Listing, place: Place) -> HttpResponse:
    """The answer to a poll: cells of the rows that were active and have changed since; 204 if none has.

    Only the insides of cells are swapped, so that ticks, scroll and focus stay.
    """
    wanted = [int(number) for number in request.GET.get("rows", "").split(",") if number.isdecimal() and len(number) < 19]
    runs = Run.objects.filter(project=place.project, pk__in=wanted[:_POLLED]).order_by("pk")
    light = list(runs.values_list("pk", "state", "progress", "finished_at", "attempt"))
    stamp = stamp_of(light, clock=True)
    if stamp == request.GET.get("seen"):
        return HttpResponse(status=204)
    left = [pk for pk, state, *_ in light if state in ACTIVE_STATES]

    def make() -> HttpResponse:
        rows = [listing.row(run) for run in listing.shown(runs, request.user)]
        body = render_to_string("experiments/runs_changed.html", {"rows": rows, "poller": poller(listing, left, stamp)})
        return HttpResponse(body, status=200 if left else STOP_POLLING)

    columns = tuple(field.name for field in listing.columns)
    # Stars are everybody's own; all else is the same for all.
    own = request.user.pk if "starred" in columns else None
    return shared(request, ("runs", place.project.pk, own, stamp, columns), make)
