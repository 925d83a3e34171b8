"""The workers page: who works, what waits, and why. For everybody who is signed in; things of other projects have no names."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from webapp.accounts.access import find_place
from webapp.broker import queue_names
from webapp.fleet import display
from webapp.fleet.queues import backlog, lengths
from webapp.fleet.standing import read_fleet
from webapp.http import PageRequest, living_part, page, wants_part

_TEMPLATE = "fleet/workers.html"


@page
@require_GET
def workers_page(request: PageRequest) -> HttpResponse:
    """Queues, workers and their machines, refreshed for as long as the page is open: a worker may come at any time."""
    fleet = read_fleet(projects_of(request))
    context = {
        "queues": display.queue_rows(fleet, backlog(), lengths()),
        "broker_away": lengths() is None,
        "nodes": display.node_rows(fleet),
        "helpers": display.helper_rows(fleet),
        "starts": display.starts(queue_names()),
        "section": "workers",
    }
    if wants_part(request):
        return living_part(request, _TEMPLATE, context, polling=True)
    return render(request, _TEMPLATE, context)


def projects_of(request: PageRequest) -> frozenset[int]:
    """Primary keys of the user's projects."""
    place = find_place(request)
    return frozenset(project.pk for project in place.projects) if place else frozenset()
