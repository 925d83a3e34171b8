"""The new-search page: version, preset, the settings that matter, and what the search will cost."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from engine.errors import SpecError, UserError
from engine.search.plan import SearchPlan
from engine.search.presets import SearchPreset, search_presets
from webapp import broker
from webapp.accounts.access import Place, enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.datasets.access import get_version_for_user, ready_versions
from webapp.datasets.leakage import serious_findings
from webapp.datasets.models import Version
from webapp.display import count, duration
from webapp.http import PageRequest, page, render_block, wants_part
from webapp.searches.form import PlanForm
from webapp.searches.launching import check_at_once, launch_search

_TEMPLATE = "searches/new.html"
_FIRST_PRESET = "search-nano"


@dataclass
class _Choice:
    version: Version | None
    preset: SearchPreset
    problem: str = ""


@page
@require_http_methods(["GET", "POST"])
def new_search(request: PageRequest) -> HttpResponse:
    """Choose and launch. GET takes ``version``, ``preset`` and settings by dotted path; POST launches, or says what to correct.

    A GET that names ``estimate`` takes all settings and answers with what they would cost.
    """
    query = request.POST if request.method == "POST" else request.GET
    choice = _choose(request, query)
    place = enter_project(request, choice.version.dataset.project) if choice.version else get_place(request)
    require_role(request.user, place.project, Role.RESEARCHER)
    if request.method == "POST":
        return _launch(request, place, choice)
    partial = wants_part(request)
    if partial and request.htmx.target == "leakage":
        return HttpResponse(render_block(request, _TEMPLATE, "leakage", _context(place, choice, PlanForm(choice.preset))))
    if partial and "estimate" in request.GET:
        form = PlanForm(choice.preset, _posted(request.GET))
        return HttpResponse(render_block(request, _TEMPLATE, "estimate", {"estimate": _estimate(form)}))
    form = PlanForm(choice.preset, edits={name: value for name, value in _posted(request.GET).items() if "." in name})
    if choice.problem:
        form.problems.append(choice.problem)
    context = _context(place, choice, form)
    if partial:
        return HttpResponse(render_block(request, _TEMPLATE, "settings", context))
    return render(request, _TEMPLATE, context)


def _launch(request: PageRequest, place: Place, choice: _Choice) -> HttpResponse:
    form = PlanForm(choice.preset, _posted(request.POST))
    try:
        if choice.problem or choice.version is None:
            raise SpecError([("", choice.problem or "Choose a dataset version that is ready.")])
        plan = _checked(form)
        acknowledged = "acknowledge_leakage" in request.POST
        search = launch_search(
            place.project, choice.version, request.user, plan, at_once=form.at_once, acknowledge_leakage=acknowledged
        )
    except SpecError as error:
        form.blame(error.problems)
        return render(request, _TEMPLATE, _context(place, choice, form), status=422)
    except UserError as error:
        form.problems.append(str(error))
        return render(request, _TEMPLATE, _context(place, choice, form), status=422)
    if broker.answers():
        messages.success(request, f"{search} is launched: a worker chooses its first trials.")
    else:
        messages.warning(request, f"{search} is launched, but the queue does not answer right now; it starts once it does.")
    return redirect("search", pk=search.pk)


def _checked(form: PlanForm) -> SearchPlan:
    """The plan; all that is wrong with the form is said at once. Raises SpecError."""
    problems: list[tuple[str, str]] = []
    try:
        check_at_once(form.at_once)
    except UserError as error:
        problems.append(("at_once", str(error)))
    try:
        plan = form.plan()
    except SpecError as error:
        raise SpecError([*problems, *error.problems]) from error
    if problems:
        raise SpecError(problems)
    return plan


def _posted(query: QueryDict) -> dict[str, str]:
    """Values by name; boxes that share a name become a list with commas."""
    return {name: ", ".join(query.getlist(name)) for name in query}


def _choose(request: PageRequest, query: QueryDict) -> _Choice:
    name, problem = str(query.get("preset") or _FIRST_PRESET), ""
    try:
        preset = search_presets().get(name)
    except UserError as error:
        preset, problem = search_presets().get(_FIRST_PRESET), str(error)
    number = str(query.get("version", ""))
    version: Version | None
    if number.isdecimal() and len(number) < 19 and int(number):
        version = get_version_for_user(request.user, int(number))
    else:
        version = ready_versions(get_place(request).project).first()
    return _Choice(version, preset, problem)


def _context(place: Place, choice: _Choice, form: PlanForm) -> dict[str, Any]:
    versions = [
        {
            "pk": version.pk,
            "name": f"{version}{' (generated)' if version.dataset.generated else ''}",
            "counts": f"{count(version.users)} users, {count(version.items)} items, {count(version.interactions)} interactions",
            "chosen": choice.version is not None and version.pk == choice.version.pk,
        }
        for version in ready_versions(place.project)
    ]
    return {
        "form": form,
        "choice": choice,
        "versions": versions,
        "leaks": serious_findings(choice.version) if choice.version else [],
        "presets": list(search_presets()),
        "estimate": _estimate(form),
        "section": "searches",
    }


def _estimate(form: PlanForm) -> dict[str, str]:
    """Training time of the trials and of the final comparison, on one worker; empty for settings that are not valid."""
    try:
        plan = form.plan()
    except SpecError:
        return {}
    alone, joint = (60 * minutes for minutes in plan.stage_minutes)
    whole = alone + joint
    trials, final = alone + plan.trials * joint * plan.share, plan.final_seeds * (alone + 2 * joint)
    return {
        "count": count(plan.trials),
        "trial": duration(joint * plan.share),
        "trials": duration(trials),
        "trainings": count(2 * plan.final_seeds),
        "final": duration(final),
        "full": duration(whole),
        "ratio": f"{trials / whole:.1f}",
    }
