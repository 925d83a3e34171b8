"""What a person does while and after a run is at work: read its log, resume it, extend it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from engine.errors import SpecError, UserError
from webapp import broker
from webapp.accounts.access import enter_project, require_role
from webapp.accounts.models import Role
from webapp.display import count
from webapp.experiments import display
from webapp.experiments.access import get_run_for_user
from webapp.experiments.form import text
from webapp.experiments.log import LEVELS, LogQuery, as_text, read_page
from webapp.experiments.models import Run
from webapp.experiments.resuming import extend_run, last_checkpoint, resume_run, why_not_extend
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.streaming import download_pieces

_LOG = "experiments/log.html"
_LIMITS = {
    "epochs": ("Epochs", "epochs in all, those that are done included"),
    "minutes": ("Minutes", "minutes of training in all; empty sets no limit"),
    "patience": ("Patience", "evaluations in a row without a better validation NDCG@10 after which it stops early"),
}
_FAR_MORE = 2
"""The form proposes so many times what the run had."""


@page
@require_GET
def run_log(request: PageRequest, pk: int) -> HttpResponse:
    """The log of a run: searched by ``text`` and ``level``, page by page; the newest page follows the run while it is active."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    query = LogQuery.read(request.GET)
    following = query.follows and display.is_active(run)
    context = {
        "run": run,
        "head": display.header(run),
        "log": read_page(run, query),
        "query": query,
        "levels": LEVELS,
        "following": following,
        "section": "runs",
    }
    if wants_part(request):
        return living_part(request, _LOG, context, polling=following)
    return render(request, _LOG, context)


@page
@require_GET
def log_file(request: PageRequest, pk: int) -> StreamingHttpResponse:
    """The whole log, or what ``text`` and ``level`` choose of it, as a file of text."""
    run = get_run_for_user(request.user, pk)
    return download_pieces(request, as_text(run, LogQuery.read(request.GET)), f"{run}.log.txt", "text/plain; charset=utf-8")


@page
@require_POST
def resume(request: PageRequest, pk: int) -> HttpResponse:
    """Resume a run that was cancelled, failed or lost."""
    run = get_run_for_user(request.user, pk)
    require_role(request.user, run.project, Role.RESEARCHER)
    try:
        messages.success(request, f"{resume_run(run, request.user)}{_broker_words()}")
    except UserError as error:
        messages.warning(request, str(error))
    return redirect("run", pk=run.pk)


@page
@require_http_methods(["GET", "POST"])
def extend(request: PageRequest, pk: int) -> HttpResponse:
    """Choose larger limits for a run that has ended; POST launches the run that continues it, or says what to correct."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    require_role(request.user, run.project, Role.RESEARCHER)
    if request.method != "POST":
        return render(request, "experiments/extend.html", _extension(run, _proposed(run)))
    given = {name: request.POST.get(name, "").strip() for name in _LIMITS}
    try:
        longer = extend_run(run, request.user, {name: _number(value) for name, value in given.items()})
    except SpecError as error:
        context = _extension(run, given, {path.removeprefix("training."): problem for path, problem in error.problems})
        return render(request, "experiments/extend.html", context, status=422)
    except UserError as error:
        return render(request, "experiments/extend.html", _extension(run, given, {"": str(error)}), status=422)
    messages.success(request, f"{longer} goes on where {run} ended.{_broker_words()}")
    return redirect("run", pk=longer.pk)


def _broker_words() -> str:
    return "" if broker.answers() else " The queue does not answer right now; it starts once it does."


def _proposed(run: Run) -> dict[str, str]:
    """More of what there was: of the time where the run had a limit of time, else of the epochs."""
    training = run.spec.get("training", {})
    values = {name: training.get(name) for name in _LIMITS}
    if values["minutes"] is not None:
        values["minutes"] *= _FAR_MORE
    else:
        values["epochs"] = int(values["epochs"] or 1) * _FAR_MORE
    if stopped_early(run):
        values["patience"] = int(values["patience"] or 1) * _FAR_MORE
    return {name: text(value) for name, value in values.items()}


def stopped_early(run: Run) -> bool:
    """Whether patience ran out before the other limits, as far as the result tells."""
    training = run.spec.get("training", {})
    if run.epochs is None or run.best_epoch is None:
        return False
    return run.epochs - run.best_epoch >= int(training.get("patience", 1)) * int(training.get("evaluate_every", 1))


def _extension(run: Run, values: dict[str, str], problems: dict[str, str] | None = None) -> dict[str, Any]:
    training, problems = run.spec.get("training", {}), problems or {}
    fields = [
        {
            "name": name,
            "label": label,
            "help": words,
            "value": values[name],
            "before": text(training.get(name)) or "no limit",
            "problem": problems.get(name, ""),
        }
        for name, (label, words) in _LIMITS.items()
    ]
    others = [f"{name}: {problem}" if name else problem for name, problem in problems.items() if name not in _LIMITS]
    return {
        "run": run,
        "fields": fields,
        "problems": others,
        "reason": why_not_extend(run),
        "done": f"{count(run.epochs)} epochs" if run.epochs else str(last_checkpoint(run) or ""),
        "early": stopped_early(run),
        "stages": display.has_stages(run),
        "section": "runs",
    }


def _number(value: str) -> Any:
    """The text of a box as a number, None if it is empty; what is no number is left to the spec to refuse."""
    if not value:
        return None
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return value
