"""The new-run page: version, method, preset, a form made from the spec, what it will cost, and as what it is launched."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from engine.errors import UserError
from engine.methods import METHODS
from engine.presets import presets
from engine.spec import RunSpec
from webapp import broker
from webapp.accounts.access import Place, enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.datasets.access import ready_versions
from webapp.datasets.leakage import serious_findings
from webapp.datasets.models import Version
from webapp.display import count
from webapp.experiments.actions import launch_run, launch_studies
from webapp.experiments.advice import advice
from webapp.experiments.choosing import Choice, checked, choose, link_to, posted, prefilled
from webapp.experiments.form import SpecForm
from webapp.experiments.launch_as import ONE, LaunchAs, options
from webapp.experiments.models import GroupKind
from webapp.http import PageRequest, page, render_block, wants_part

_TEMPLATE = "experiments/new.html"


@page
@require_http_methods(["GET", "POST"])
def new_run(request: PageRequest) -> HttpResponse:
    """Choose and launch. GET takes ``version``, ``preset``, ``clone`` (a run's id) and settings by dotted path; POST launches,
    or says what to correct."""
    choice, place = _enter(request)
    if request.method == "POST":
        return _launch(request, place, choice)
    form = prefilled(choice, request.GET)
    context = _context(place, choice, form, checked(form), LaunchAs.read(request.GET, choice))
    if not wants_part(request):
        return render(request, _TEMPLATE, context)
    if request.htmx.target == "leakage":
        return HttpResponse(render_block(request, _TEMPLATE, "leakage", context))
    body = render_block(request, _TEMPLATE, "settings", context)
    for part in ("ways", "advice"):
        body += f'<div id="{part}" hx-swap-oob="innerHTML">{render_block(request, _TEMPLATE, part, context)}</div>'
    return HttpResponse(body, headers={"HX-Replace-Url": context["link"] or "false"})


@page
@require_POST
def check_run(request: PageRequest) -> HttpResponse:
    """What is wrong with the form, and what it would cost: small parts that htmx puts in their places as one types.

    Without JavaScript, the whole page with the same in it.
    """
    choice, place = _enter(request)
    form = posted(choice, request.POST.dict())
    context = _context(place, choice, form, checked(form), LaunchAs.read(request.POST, choice))
    if not wants_part(request):
        return render(request, _TEMPLATE, context)
    response = render(request, "experiments/new/check.html", context)
    response["HX-Replace-Url"] = context["link"] or "false"
    return response


def _enter(request: PageRequest) -> tuple[Choice, Place]:
    choice = choose(request, request.POST if request.method == "POST" else request.GET)
    place = enter_project(request, choice.version.dataset.project) if choice.version else get_place(request)
    if not place.may_launch:  # the place knows the role already; asked again, it is told what is missing
        require_role(request.user, place.project, Role.RESEARCHER)
    return choice, place


def _launch(request: PageRequest, place: Place, choice: Choice) -> HttpResponse:
    form, asked = posted(choice, request.POST.dict()), LaunchAs.read(request.POST, choice)
    spec = checked(form)
    if spec is not None and choice.version is not None and not choice.problem:
        try:
            return _launched(request, place, choice, choice.version, spec, asked)
        except UserError as error:
            form.problems.append(str(error))
    return render(request, _TEMPLATE, _context(place, choice, form, spec, asked), status=422)


def _launched(
    request: PageRequest, place: Place, choice: Choice, version: Version, spec: RunSpec, asked: LaunchAs
) -> HttpResponse:
    """Queue what is asked for, and go there; raises UserError."""
    if asked.kind == ONE:
        run = launch_run(version, request.user, spec, acknowledge_leakage=version.pk in asked.acknowledged)
        _say(request, f"{run} is queued", "it starts")
        return redirect("run", pk=run.pk)
    studies = asked.studies(choice, version, spec, list(ready_versions(place.project)))
    known = asked.acknowledged
    group = launch_studies(GroupKind(asked.kind), asked.title(choice), request.user, studies, acknowledged=known)
    runs = sum(len(study.members) * len(study.seeds) for _, study in studies)
    _say(request, f"{count(runs)} runs are queued", "they start")
    return redirect("group", pk=group.pk)


def _say(request: PageRequest, words: str, starts: str) -> None:
    if broker.answers():
        messages.success(request, f"{words}.")
    else:
        messages.warning(request, f"{words}, but the queue does not answer right now; {starts} once it does.")


def _context(place: Place, choice: Choice, form: SpecForm, spec: RunSpec | None, asked: LaunchAs) -> dict[str, Any]:
    ready = list(ready_versions(place.project))
    versions = [
        {
            "pk": version.pk,
            "name": f"{version}{' (generated)' if version.dataset.generated else ''}",
            "counts": f"{count(version.users)} users, {count(version.items)} items, {count(version.interactions)} interactions",
            "chosen": choice.version is not None and version.pk == choice.version.pk,
        }
        for version in ready
    ]
    runs = asked.amount(choice, spec, ready)
    return {
        "form": form,
        "choice": choice,
        "versions": versions,
        "leaks": serious_findings(choice.version) if choice.version else [],
        "acknowledged": choice.version is not None and choice.version.pk in asked.acknowledged,
        "methods": _methods(choice),
        "ways": options(asked, choice, spec, ready),
        "section": "runs",
        "link": link_to(choice, form),
        "advice": advice(choice, form, spec, runs),
    }


def _methods(choice: Choice) -> list[dict[str, Any]]:
    return [
        {
            "entry": entry,
            "presets": [preset for preset in presets() if preset.method == entry.id],
            "chosen": entry.id == choice.preset.method,
        }
        for entry in METHODS
    ]
