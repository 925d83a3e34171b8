"""Pages that show runs side by side. Each part that takes reading much has an address of its own, which the page loads."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from engine.errors import UserError
from webapp.accounts.access import enter_project, get_place
from webapp.comparing import curves, exports, metrics_table, samples, settings_table, significance, slices_table
from webapp.comparing import significance_table as findings
from webapp.comparing.chosen import MOST_RUNS, Chosen, parse_run
from webapp.comparing.columns import DEFAULT, PAIRED_METRICS, is_column, offered
from webapp.comparing.fairness import Guarded, by_state, guard
from webapp.comparing.loading import Loaded, load_runs, named, offer
from webapp.experiments import display
from webapp.experiments.access import runs_for_user
from webapp.http import PageRequest, living_part, page, render_block, wants_part

_SESSION_KEY = "compare-columns"
_MANY_CHIPS = 20
_LIGHT = ("spec", "slices")
_FORMS = {
    "csv": ("text/csv", exports.as_csv),
    "json": ("application/json", exports.as_json),
    "tex": ("application/x-tex", exports.as_latex),
}


@page
@require_GET
def compare(request: PageRequest) -> HttpResponse:
    """Runs side by side: the table of metrics, what keeps them apart, differing settings, slices; the rest comes by itself.

    ``?add=`` looks for a run to add, ``?remember=1`` makes the columns those of the next comparison.
    """
    try:
        chosen = _chosen(request)
    except UserError as error:
        return _refused(request, error)
    if request.GET.get("remember"):
        request.session[_SESSION_KEY] = list(chosen.columns)
        return redirect(f"{reverse('compare')}?{chosen.here}")
    wanted = request.GET.get("add", "").strip()[:100]
    if wanted and (number := parse_run(wanted)) is not None and number not in chosen.runs:
        return _add(request, chosen, number)
    loaded = load_runs(request.user, chosen.runs)
    _enter(request, loaded)
    context = _frame(chosen, loaded) | _adding(request, chosen, loaded, wanted)
    if len(loaded.runs) > 1:
        context |= _overview(chosen, loaded)
    return render(request, "comparing/compare.html", context)


@page
@require_GET
def curves_part(request: PageRequest) -> HttpResponse:
    """The learning curves over each other, with their table."""

    def about(chosen: Chosen, loaded: Loaded, guarded: Guarded) -> dict[str, Any]:
        points = curves.points_of(len(loaded.runs))
        lines = curves.load_curves([run.pk for run in loaded.runs], chosen.clock, points)
        return {
            "chart": curves.chart(guarded, lines, chosen.clock),
            "rows": curves.rows(guarded, lines),
            "points": points,
            "classes": guarded.classes,
            "epochs_address": chosen.address(clock=False),
            "time_address": chosen.address(clock=True),
        }

    return _part(request, "comparing/curves.html", ("slices",), about)


@page
@require_GET
def settings_part(request: PageRequest) -> HttpResponse:
    """The settings in which the runs differ."""

    def about(chosen: Chosen, loaded: Loaded, guarded: Guarded) -> dict[str, Any]:
        return {"runs": [named(run) for run in loaded.runs], "settings": settings_table.differing(loaded.runs)}

    return _part(request, "comparing/settings.html", ("slices",), about)


@page
@require_GET
def samples_part(request: PageRequest) -> HttpResponse:
    """Recommendations for the same users, in columns."""

    def about(chosen: Chosen, loaded: Loaded, guarded: Guarded) -> dict[str, Any]:
        side = samples.side_by_side(guarded.classes, chosen.place)
        return {
            "side": side,
            "words": samples.words_of(side),
            "before": None if side["before"] is None else chosen.address(place=side["before"]),
            "after": None if side["after"] is None else chosen.address(place=side["after"]),
        }

    return _part(request, "comparing/samples.html", _LIGHT, about)


@page
@require_GET
def significance_part(request: PageRequest) -> HttpResponse:
    """Which differences are more than chance; it is polled until workers have answered."""
    try:
        chosen = _chosen(request)
    except UserError as error:
        return _refused(request, error)
    loaded = load_runs(request.user, chosen.runs, _LIGHT)
    _enter(request, loaded)
    asked = significance.ask_about(guard(loaded.runs).classes, chosen.metric)
    polling = any(one.waiting for one in asked)
    context = _frame(chosen, loaded) | {
        "blocks": [findings.block(one) for one in asked],
        "polling": polling,
        "metric": findings.metric_title(chosen.metric),
        "metrics": [(name, findings.metric_title(name)) for name in PAIRED_METRICS],
        "metric_hidden": chosen.hidden("metric"),
        "limit": significance.ALL_PAIRS_UP_TO,
    }
    if wants_part(request) and request.htmx.target == "significance-live":
        return living_part(request, "comparing/significance.html", context, polling=polling)
    return _whole_or_part(request, "comparing/significance.html", context)


@page
@require_GET
def export(request: PageRequest, form: str) -> HttpResponse:
    """The table of metrics as it is shown, as a file: csv, json or tex."""
    try:
        chosen = _chosen(request)
    except UserError as error:
        return _refused(request, error)
    kind, write = _FORMS[form]
    body = write(guard(load_runs(request.user, chosen.runs, _LIGHT[1:]).runs), chosen)
    response = HttpResponse(body, content_type=f"{kind}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="comparison.{form}"'
    return response


def _part(request: PageRequest, template: str, without: tuple[str, ...], about: Any) -> HttpResponse:
    try:
        chosen = _chosen(request)
    except UserError as error:
        return _refused(request, error)
    loaded = load_runs(request.user, chosen.runs, without)
    _enter(request, loaded)
    guarded = guard(loaded.runs)
    return _whole_or_part(request, template, _frame(chosen, loaded) | about(chosen, loaded, guarded))


def _whole_or_part(request: PageRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The block ``part`` for the page that loads it; without scripts, a page of its own."""
    if wants_part(request):
        return HttpResponse(render_block(request, template, "part", context))
    return render(request, template, context)


def _chosen(request: PageRequest) -> Chosen:
    """The address; where it names no columns, those that the person had remembered."""
    kept = tuple(str(name) for name in request.session.get(_SESSION_KEY, ()) if is_column(str(name)))
    return Chosen.from_query(request.GET, kept or DEFAULT)


def _enter(request: PageRequest, loaded: Loaded) -> None:
    """Following a link to runs of one project leads into it."""
    projects = {run.project_id: run.project for run in loaded.runs}
    if len(projects) == 1:
        enter_project(request, next(iter(projects.values())))


def _refused(request: PageRequest, error: UserError) -> HttpResponse:
    context = {"problem": error.message, "hint": error.hint, "section": "compare"}
    return render(request, "comparing/refused.html", context, status=400)


def _frame(chosen: Chosen, loaded: Loaded) -> dict[str, Any]:
    return {"chosen": chosen, "count": len(loaded.runs), "section": "compare"}


def _add(request: PageRequest, chosen: Chosen, number: int) -> HttpResponse:
    if len(chosen.runs) >= MOST_RUNS:
        messages.warning(request, f"{MOST_RUNS} runs are here already, the most that are compared at once. Remove one.")
    elif not runs_for_user(request.user).filter(pk=number).exists():
        messages.warning(request, f"There is no run-{number}, or it is not yours.")
    else:
        return redirect(f"{reverse('compare')}?{chosen.address(runs=(*chosen.runs, number))}")
    return redirect(f"{reverse('compare')}?{chosen.here}")


def _adding(request: PageRequest, chosen: Chosen, loaded: Loaded, wanted: str) -> dict[str, Any]:
    """The chips, the search box, and what can be added."""
    offering = bool(wanted) or len(loaded.runs) < 2
    like = loaded.runs[0] if len(loaded.runs) == 1 and not wanted else None
    found = offer(get_place(request).project, wanted, chosen.runs, like) if offering else []
    return {
        "chips": [
            {
                **named(run),
                "method": display.method_title(run.method),
                "state": display.state(run),
                "without": chosen.without(run.pk),
            }
            for run in loaded.runs
        ],
        "folded": len(loaded.runs) > _MANY_CHIPS,
        "unknown": [f"run-{pk}" for pk in loaded.unknown],
        "known_address": chosen.address(runs=tuple(run.pk for run in loaded.runs)),
        "wanted": wanted,
        "offering": offering,
        "offered": [{**row, "address": chosen.address(runs=(*chosen.runs, row["pk"]))} for row in found],
        "add_hidden": chosen.hidden("add"),
        "like": like,
    }


def _overview(chosen: Chosen, loaded: Loaded) -> dict[str, Any]:
    guarded = guard(loaded.runs)
    return {
        "guarded": guarded,
        "table": metrics_table.table(guarded, chosen),
        "unfinished": by_state(guarded.unfinished),
        "columns": offered(loaded.runs, chosen.columns),
        "columns_hidden": chosen.hidden("columns"),
        "find_hidden": chosen.hidden("find"),
        "all_address": chosen.address(find=""),
        "slices": slices_table.tables(guarded.classes),
    }
