"""What the new-run page is about: version, preset, perhaps a run to clone, and the form that an address or a browser fills."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from engine.errors import SpecError, UserError
from engine.methods.effects import reason, without_effect
from engine.presets import Preset, get_preset, presets
from engine.spec import RunSpec, parse_spec
from webapp.accounts.access import get_place
from webapp.datasets.access import get_version_for_user, ready_versions
from webapp.datasets.models import Version
from webapp.experiments.access import get_run_for_user
from webapp.experiments.backbones import check_backbones
from webapp.experiments.form import SpecForm
from webapp.experiments.models import Run
from webapp.http import PageRequest
from webapp.searches.launching import full_spec
from webapp.searches.models import SearchTrial

_FIRST_PRESET = "darec-nano"
_LONGEST_LINK = 6000
"""Characters; servers and proxies refuse much longer addresses."""


@dataclass
class Choice:
    """What is chosen.

    Attributes:
        source: the run that is cloned, if it is one of the preset's method.
        problem: what was wrong with the choice, for people.
    """

    version: Version | None
    preset: Preset
    source: Run | None = None
    problem: str = ""


def choose(request: PageRequest, query: QueryDict) -> Choice:
    """Read ``version``, ``preset`` and ``clone``; 404 for what the user may not see."""
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
    return Choice(version, preset, source if source and source.method == preset.method else None, problem)


def prefilled(choice: Choice, query: QueryDict) -> SpecForm:
    """The form that an address asks for: the preset's or the cloned run's settings, and those that the address names.

    Values that are not allowed are shown as they are, with the problem beside them.
    """
    problem, spec = choice.problem, None
    if choice.source:
        try:
            spec = spec_to_clone(choice.source)
        except SpecError as error:
            problem = f"The settings of {choice.source} are no longer valid, so these are the preset's. {error}"
    edits = {name: str(value).strip() for name, value in query.items() if "." in name}
    form = SpecForm(choice.preset, spec=spec, edits=edits)
    if problem:
        form.problems.append(problem)
    return form


def spec_to_clone(source: Run) -> RunSpec:
    """The settings that a clone of ``source`` starts from: its own, or those of a full training where it is a search's trial.

    Raises SpecError where they are no longer valid.
    """
    trial: SearchTrial | None = getattr(source, "search_trial", None)
    return parse_spec(source.spec) if trial is None else full_spec(trial)


def posted(choice: Choice, values: Mapping[str, str]) -> SpecForm:
    """The form as a browser sends it."""
    spec = None
    if choice.source:
        try:
            spec = spec_to_clone(choice.source)
        except SpecError:
            choice.source = None  # it was said when the form was opened; there is nothing to compare with
    form = SpecForm(choice.preset, values={name: str(value) for name, value in values.items()}, spec=spec)
    if choice.problem or choice.version is None:
        form.problems.append(choice.problem or "Choose a dataset version that is ready.")
    return form


def checked(form: SpecForm) -> RunSpec | None:
    """The spec that the form makes; None, with the problems at their fields, if it makes none."""
    try:
        spec = form.preset.spec(form.settings())
        check_backbones(spec.model_dump(mode="json", include={"method"}))
    except SpecError as error:
        form.blame(error.problems)
        return None
    idle = without_effect(spec)
    for member in form.fields:
        member.idle = reason(member.description.path, idle)
    return spec


def link_to(choice: Choice, form: SpecForm) -> str:
    """The address that opens this form again, with every setting that was changed; empty if it would be too long."""
    query = {"preset": choice.preset.name}
    if choice.version:
        query["version"] = str(choice.version.pk)
    if choice.source:
        query["clone"] = str(choice.source.pk)
    link = f"{reverse('new-run')}?{urlencode({**query, **form.edits})}"
    return link if len(link) <= _LONGEST_LINK else ""


def _number(query: QueryDict, name: str) -> int:
    text = str(query.get(name, ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _preset_of(run: Run | None) -> str | None:
    if run is None:
        return None
    if run.preset in presets():
        return run.preset
    return next((preset.name for preset in presets() if preset.method == run.method), None)
