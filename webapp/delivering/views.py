"""Pages of what follows a good run: refit, lists for everybody, the current model and its successor."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from engine.errors import UserError
from webapp.accounts.access import enter_project
from webapp.datasets.access import get_dataset_for_user
from webapp.delivering.display import lists_row, model_context
from webapp.delivering.lists import KEPT_DAYS, MOST_ITEMS, ask_for_lists, cancel_lists, get_lists, lists_of
from webapp.delivering.models import LONGEST_NOTE, ListFormat, ListsState, SeenRule, UserLists
from webapp.delivering.promoting import promote_run, return_to_former
from webapp.delivering.refreshing import start_refresh
from webapp.experiments import display
from webapp.experiments.access import get_run_for_user
from webapp.experiments.models import RunState
from webapp.experiments.refitting import refit_run
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.streaming import download

_TYPES = {
    ListFormat.PARQUET: "application/octet-stream",
    ListFormat.CSV: "text/csv; charset=utf-8",
    ListFormat.CSV_RAW: "text/csv; charset=utf-8",
    ListFormat.JSONL: "application/x-ndjson",
    ListFormat.TREC: "application/zip",
}


@page
@require_POST
def refit(request: PageRequest, pk: int) -> HttpResponse:
    """Queue a refit of a run on all interactions, and go there."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    try:
        made = refit_run(run, request.user)
    except UserError as error:
        messages.error(request, str(error))
        return redirect("run", pk=run.pk)
    messages.success(request, f"{made} trains the choices of {run} on all interactions.")
    return redirect("run", pk=made.pk)


@page
@require_http_methods(["GET", "POST"])
def lists_page(request: PageRequest, pk: int) -> HttpResponse:
    """The files with recommendations for everybody that were made of a run; POST has one made."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    sent = {"k": "20", "form": ListFormat.PARQUET.value, "seen": SeenRule.PROTOCOL.value}
    problem = None
    if request.method == "POST":
        sent = {name: request.POST.get(name, value) for name, value in sent.items()}
        try:
            ask_for_lists(run, request.user, sent["form"], sent["k"], sent["seen"])
        except UserError as error:
            problem = error
        else:
            return redirect("run-lists", pk=run.pk)
    rows = [lists_row(one) for one in lists_of(run)]
    polling = any(row["active"] for row in rows)
    context: dict[str, Any] = {
        "run": run,
        "method": display.method_title(run.method),
        "ready": run.state == RunState.SUCCEEDED,
        "rows": rows,
        "polling": polling,
        "sent": sent,
        "problem": problem,
        "formats": ListFormat.choices,
        "rules": SeenRule.choices,
        "most": MOST_ITEMS,
        "days": KEPT_DAYS,
        "section": "runs",
    }
    if request.method == "GET" and wants_part(request):
        return living_part(request, "delivering/lists.html", context, polling=polling)
    return render(request, "delivering/lists.html", context, status=422 if problem else 200)


@page
@require_GET
def lists_file(request: PageRequest, pk: int, lists: int) -> HttpResponseBase:
    """One of the files, streamed; 404 until it is made."""
    return lists_response(request, get_lists(get_run_for_user(request.user, pk), lists))


def lists_response(request: HttpRequest, lists: UserLists) -> HttpResponseBase:
    """The file as a download; Http404 unless it is ready."""
    if lists.state != ListsState.READY:
        raise Http404(f"This file is {lists.get_state_display()}: there is nothing to download.")
    try:
        return download(request, lists.storage_key, lists.file_name, _TYPES[ListFormat(lists.form)])
    except FileNotFoundError as error:
        raise Http404("This file was removed from the storage: have it made again.") from error


@page
@require_POST
def lists_cancel(request: PageRequest, pk: int, lists: int) -> HttpResponse:
    """End one that waits or is being made."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    found = get_lists(run, lists)
    try:
        cancel_lists(found, request.user)
    except UserError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.file_name} is cancelled.")
    return redirect("run-lists", pk=run.pk)


@page
@require_POST
def promote(request: PageRequest, pk: int) -> HttpResponse:
    """Make a run its dataset's current model."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    try:
        promote_run(run, request.user, request.POST.get("note", ""))
    except UserError as error:
        messages.error(request, str(error))
        return redirect("run", pk=run.pk)
    messages.success(request, f"{run} is now the current model of {run.version.dataset}.")
    return redirect("dataset-model", pk=run.version.dataset_id)


@page
@require_GET
def model_page(request: PageRequest, pk: int) -> HttpResponse:
    """A dataset's current model, those before it, and what is to replace it."""
    dataset = get_dataset_for_user(request.user, pk)
    place = enter_project(request, dataset.project)
    context = {"dataset": dataset, **model_context(dataset, place), "longest_note": LONGEST_NOTE, "section": "datasets"}
    polling = bool(context.get("refresh") and context["refresh"]["active"])
    context["polling"] = polling
    if wants_part(request):
        return living_part(request, "delivering/model.html", context, polling=polling)
    return render(request, "delivering/model.html", context)


@page
@require_POST
def go_back(request: PageRequest, pk: int) -> HttpResponse:
    """Promote the run that was current before."""
    dataset = get_dataset_for_user(request.user, pk)
    enter_project(request, dataset.project)
    try:
        promotion = return_to_former(dataset, request.user)
    except UserError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"run-{promotion.run_number} is the current model again.")
    return redirect("dataset-model", pk=dataset.pk)


@page
@require_POST
def refresh(request: PageRequest, pk: int) -> HttpResponse:
    """Train the current model's settings on the newest version."""
    dataset = get_dataset_for_user(request.user, pk)
    enter_project(request, dataset.project)
    try:
        made = start_refresh(dataset, request.user, acknowledge_leakage=bool(request.POST.get("acknowledge_leakage")))
    except UserError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{made.run} trains the same on v{made.version.number}.")
    return redirect("dataset-model", pk=dataset.pk)
