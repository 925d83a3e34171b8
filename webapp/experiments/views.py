"""The page of one run."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from engine.errors import UserError
from engine.study.ablations import has_ablations
from webapp.accounts.access import enter_project, require_role
from webapp.accounts.models import Role
from webapp.experiments import display, events
from webapp.experiments.access import get_run_for_user
from webapp.experiments.actions import request_cancel
from webapp.experiments.ending import attempt_rows, ending, may_extend
from webapp.experiments.log import LEVELS, last_lines
from webapp.experiments.mark_views import marks
from webapp.experiments.mask_picture import mask_part
from webapp.experiments.models import Run, RunState
from webapp.experiments.resuming import how_it_goes_on
from webapp.experiments.samples import sample_part
from webapp.experiments.slice_chart import slice_chart
from webapp.experiments.spec_difference import spec_difference
from webapp.experiments.stamps import run_stamps
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.polling import SHARED, nothing_new, seen, shared, stamped

_TEMPLATE = "experiments/run.html"


@page
@require_http_methods(["GET", "POST"])
def run_page(request: PageRequest, pk: int) -> HttpResponse:
    """A run: how it goes, what came out, why. Its living part is polled until the run has ended; POST cancels."""
    if request.method == "GET" and wants_part(request):
        return _poll(request, pk)
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    if request.method == "POST":
        require_role(request.user, run.project, Role.RESEARCHER)
        _cancel(request, run)
        return redirect("run", pk=run.pk)
    context = {
        **_live(run),
        **_reported(run),
        **_outcome(run, request.GET.get("samples", "")),
        **marks(run),
        "difference": spec_difference(run),
        "has_files": bool(run.folder_key) and run.started_at is not None,
        "section": "runs",
    }
    return render(request, _TEMPLATE, context)


def _poll(request: PageRequest, pk: int) -> HttpResponse:
    *stamps, role = run_stamps(request.user, pk)
    if [seen(request), seen(request, 1)] == stamps:
        return nothing_new(*stamps)
    reported = seen(request, 1) != stamps[1]

    def make() -> HttpResponse:
        run = get_run_for_user(request.user, pk)
        enter_project(request, run.project)
        return _refresh(request, run, reported=reported)

    return stamped(shared(request, ("run", pk, role, *stamps, reported), make), *stamps)


def _refresh(request: PageRequest, run: Run, *, reported: bool) -> HttpResponse:
    """The head; epochs, attempts and log if something was ``reported`` since; the outcome at the end."""
    context, parts = {**_live(run), **SHARED}, list[str]()
    active = display.is_active(run)
    if reported or not active:
        context |= _reported(run)
        parts += ["epochs", "attempts", "log"]
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
    return {
        "run": run,
        "head": display.header(run),
        "ablatable": has_ablations(run.method),
        "progress": display.progress(run),
        "resumes": how_it_goes_on(run),
    }


def _reported(run: Run) -> dict[str, Any]:
    points = events.curve(run)
    return {
        "epochs": events.curve_rows(points),
        "chart": events.chart(points),
        "thinned": points.total if points.total > events.POINTS else 0,
        "log": last_lines(run),
        "levels": LEVELS,
        "ending": ending(run),
        "extendable": may_extend(run),
        "attempts": attempt_rows(run),
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
