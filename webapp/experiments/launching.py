"""The new-run page: version, method, preset, and a form made from the spec."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from engine.errors import SpecError, UserError
from engine.methods import METHODS
from engine.presets import Preset, get_preset, presets
from engine.spec import parse_spec
from webapp import broker
from webapp.accounts.access import Place, enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.datasets.access import get_version_for_user, ready_versions
from webapp.datasets.leakage import serious_findings
from webapp.datasets.models import Version
from webapp.display import count
from webapp.experiments.access import get_run_for_user
from webapp.experiments.actions import launch_run
from webapp.experiments.form import SpecForm
from webapp.experiments.models import Run
from webapp.http import PageRequest, page, render_block, wants_part

_FIRST_PRESET = "darec-nano"


@dataclass
class _Choice:
    version: Version | None
    preset: Preset
    source: Run | None = None
    problem: str = ""


@page
@require_http_methods(["GET", "POST"])
def new_run(request: PageRequest) -> HttpResponse:
    """Choose and launch. POST launches, or says what to correct.

    GET takes ``version``, ``preset``, ``clone`` (a run's id), and settings by their dotted path, which are put on top.
    """
    choice = _choose(request, request.POST if request.method == "POST" else request.GET)
    place = enter_project(request, choice.version.dataset.project) if choice.version else get_place(request)
    require_role(request.user, place.project, Role.RESEARCHER)
    if request.method == "POST":
        return _launch(request, place, choice)
    form = _prefilled(choice, {name: str(value) for name, value in request.GET.items() if "." in name})
    context = _context(place, choice, form)
    if wants_part(request):
        part = "leakage" if request.htmx.target == "leakage" else "settings"
        return HttpResponse(render_block(request, "experiments/new.html", part, context))
    return render(request, "experiments/new.html", context)


def _launch(request: PageRequest, place: Place, choice: _Choice) -> HttpResponse:
    form = SpecForm(choice.preset, values={name: str(value) for name, value in request.POST.items()})
    try:
        if choice.problem or choice.version is None:
            raise SpecError([("", choice.problem or "Choose a dataset version that is ready.")])
        acknowledged = "acknowledge_leakage" in request.POST
        run = launch_run(choice.version, request.user, choice.preset.spec(form.settings()), acknowledge_leakage=acknowledged)
    except SpecError as error:
        form.blame(error.problems)
        return render(request, "experiments/new.html", _context(place, choice, form), status=422)
    except UserError as error:
        form.problems.append(str(error))
        return render(request, "experiments/new.html", _context(place, choice, form), status=422)
    if broker.answers():
        messages.success(request, f"{run} is queued.")
    else:
        messages.warning(request, f"{run} is queued, but the queue does not answer right now; it starts once it does.")
    return redirect("run", pk=run.pk)


def _choose(request: PageRequest, query: QueryDict) -> _Choice:
    source = get_run_for_user(request.user, _number(query, "clone")) if _number(query, "clone") else None
    name, problem = str(query.get("preset") or _preset_of(source) or _FIRST_PRESET), ""
    try:
        preset = get_preset(name)
    except UserError as error:
        preset, problem = get_preset(_FIRST_PRESET), str(error)
    version: Version | None
    if _number(query, "version"):
        version = get_version_for_user(request.user, _number(query, "version"))
    else:
        version = source.version if source else ready_versions(get_place(request).project).first()
    return _Choice(version, preset, source if source and source.method == preset.method else None, problem)


def _prefilled(choice: _Choice, settings: dict[str, str]) -> SpecForm:
    problem, spec = choice.problem, None
    if choice.source:
        try:
            spec = parse_spec(choice.source.spec)
        except SpecError as error:
            problem = f"The settings of {choice.source} are no longer valid, so these are the preset's. {error}"
    form = SpecForm(choice.preset, spec=spec)
    form.put(settings)
    if problem:
        form.problems.append(problem)
    return form


def _number(query: QueryDict, name: str) -> int:
    text = str(query.get(name, ""))
    return int(text) if text.isdecimal() else 0


def _preset_of(run: Run | None) -> str | None:
    if run is None:
        return None
    if run.preset in presets():
        return run.preset
    return next((preset.name for preset in presets() if preset.method == run.method), None)


def _context(place: Place, choice: _Choice, form: SpecForm) -> dict[str, Any]:
    versions = [
        {
            "pk": version.pk,
            "name": f"{version}{' (generated)' if version.dataset.generated else ''}",
            "counts": f"{count(version.users)} users, {count(version.items)} items, {count(version.interactions)} interactions",
            "chosen": choice.version is not None and version.pk == choice.version.pk,
        }
        for version in ready_versions(place.project)
    ]
    leaks = serious_findings(choice.version) if choice.version else []
    return {
        "form": form,
        "choice": choice,
        "versions": versions,
        "leaks": leaks,
        "methods": _methods(choice),
        "section": "runs",
    }


def _methods(choice: _Choice) -> list[dict[str, Any]]:
    return [
        {
            "entry": entry,
            "presets": [preset for preset in presets() if preset.method == entry.id],
            "chosen": entry.id == choice.preset.method,
        }
        for entry in METHODS
    ]
