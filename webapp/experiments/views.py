"""Pages of runs: the list and one run."""

import json
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from engine.errors import UserError
from engine.study.ablations import has_ablations
from webapp.accounts.access import enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.experiments import display, events
from webapp.experiments.access import get_run_for_user
from webapp.experiments.actions import request_cancel
from webapp.experiments.listing import Listing, active_exists
from webapp.experiments.mask_picture import mask_part
from webapp.experiments.models import Run, RunState
from webapp.experiments.samples import sample_part
from webapp.experiments.slice_chart import slice_chart
from webapp.experiments.spec_difference import spec_difference
from webapp.http import PageRequest, living_part, page, wants_part

_RUNS_A_PAGE = 50
_TEMPLATE = "experiments/run.html"


@page
@require_GET
def run_list(request: PageRequest) -> HttpResponse:
    """The project's runs, filtered, sorted and in pages; the table refreshes itself while something is active."""
    place = get_place(request)
    listing = Listing.from_query(request.GET)
    shown = Paginator(listing.query(place.project), _RUNS_A_PAGE).get_page(request.GET.get("page"))
    polling = active_exists(place.project)
    context = {
        "page": shown,
        "rows": [listing.row(run) for run in shown],
        "listing": listing,
        "polling": polling,
        "section": "runs",
    }
    if wants_part(request):
        return living_part(request, "experiments/runs.html", context, polling=polling)
    return render(request, "experiments/runs.html", context)


@page
@require_http_methods(["GET", "POST"])
def run_page(request: PageRequest, pk: int) -> HttpResponse:
    """A run: how it goes, what came out, why. Its living part is polled until the run has ended; POST cancels."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    if request.method == "POST":
        require_role(request.user, run.project, Role.RESEARCHER)
        _cancel(request, run)
        return redirect("run", pk=run.pk)
    if wants_part(request):
        return _refresh(request, run)
    context = {
        **_live(run),
        **_outcome(run, request.GET.get("samples", "")),
        "difference": spec_difference(run),
        "has_files": bool(run.folder_key) and run.started_at is not None,
        "section": "runs",
    }
    return render(request, _TEMPLATE, context)


def _refresh(request: PageRequest, run: Run) -> HttpResponse:
    context, parts = _live(run), ["epochs", "log"]
    active = display.is_active(run)
    if not active:
        context |= _outcome(run)
        parts += ["metrics", "outcome"]
    return living_part(request, _TEMPLATE, context, polling=active, parts=parts)


def _cancel(request: PageRequest, run: Run) -> None:
    try:
        request_cancel(run)
    except UserError as error:
        messages.warning(request, str(error))
        return
    if run.state == RunState.CANCELLED:
        messages.success(request, f"{run} is cancelled; it had not started.")
    else:
        messages.success(request, f"{run} will stop at its next checkpoint.")


def _live(run: Run) -> dict[str, Any]:
    points = events.curve(run)
    return {
        "run": run,
        "head": display.header(run),
        "ablatable": has_ablations(run.method),
        "progress": display.progress(run),
        "epochs": events.curve_rows(points),
        "chart": events.chart(points),
        "log": events.log_lines(run),
        "spec": json.dumps(run.spec, indent=2),
    }


def _outcome(run: Run, samples: str = "") -> dict[str, Any]:
    return {
        "metrics": display.metric_table(run),
        "protocol": display.protocol_line(run.protocol),
        "slices": display.slice_table(run),
        "facts": display.facts(run),
        "layers": display.layer_map(list(run.layers.all())),
        "mask": mask_part(run),
        "slice_chart": slice_chart(run),
        **sample_part(run, samples),
    }
