"""Specs by REST: what settings there are, presets, what is wrong with a spec, and what a run of it would cost."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from engine.errors import SpecError
from engine.methods import METHODS
from engine.methods.effects import without_effect
from engine.presets import get_preset, presets
from engine.search.presets import search_presets
from engine.spec import RunSpec
from webapp.accounts.models import Scope
from webapp.api.answers import ERRORS, Id, example, user_of
from webapp.api.auth import TokenAuth
from webapp.api.run_schemas import Settings
from webapp.api.schemas import Problem
from webapp.datasets.access import get_version_for_user
from webapp.experiments.backbones import check_backbones
from webapp.experiments.costs import cost_of
from webapp.experiments.estimate import Range

router = Router(tags=["specs"])
presets_router = Router(tags=["specs"])


class SpecSchemaOut(Schema):
    """JSON schemas."""

    model_config = example(run={"title": "RunSpec", "type": "object"}, methods={"popularity": {"type": "object"}})

    run: dict[str, Any] = Field(description="of a whole spec; what `method` may hold, `methods` says")
    methods: dict[str, dict[str, Any]] = Field(description="of the settings of each method, by its id")


class PresetOut(Schema):
    """A named starting point."""

    model_config = example(name="sasrec", sentence="The usual baseline.", method="sasrec", spec={"method": {"id": "sasrec"}})

    name: str
    sentence: str
    method: str
    spec: dict[str, Any] = Field(description="all its settings")


class SearchPresetOut(Schema):
    """A named starting point of searches."""

    model_config = example(name="search-nano", sentence="A small search.", plan={"trials": 30})

    name: str
    sentence: str
    plan: dict[str, Any]


class PresetsOut(Schema):
    """All presets."""

    model_config = example(runs=[], searches=[])

    runs: list[PresetOut]
    searches: list[SearchPresetOut]


class SpecIn(Schema):
    """A preset, and settings that differ from it."""

    model_config = example(preset="sasrec", settings={"training.epochs": 0})

    preset: str = Field(description="name of a preset, e.g. sasrec")
    settings: Settings = Field(default_factory=dict)


class CostIn(SpecIn):
    """A run that is not launched yet."""

    model_config = example(preset="sasrec", settings={"training.epochs": 20}, version=7)

    version: Id = Field(description="id of the dataset version")


class CheckOut(Schema):
    """Whether the settings make a spec."""

    model_config = example(
        valid=False, problems=[{"field": "training.epochs", "message": "got 0, must be 1 or more"}], spec=None, without_effect={}
    )

    valid: bool
    problems: list[Problem]
    spec: dict[str, Any] | None = Field(description="all settings as a run would have them; null while something is wrong")
    without_effect: dict[str, str] = Field(description="settings (a group where it ends with a dot) that change nothing, and why")


class RangeOut(Schema):
    """The middle of what is likely, the least and the most."""

    model_config = example(middle=75.0, low=70.0, high=90.0)

    middle: float
    low: float
    high: float


class CostOut(Schema):
    """What a run is likely to cost, from what earlier ones of the project did; null where nothing is known."""

    model_config = example(
        seconds={"middle": 75.0, "low": 70.0, "high": 90.0},
        memory_bytes=None,
        limit_seconds=None,
        limited=False,
        at_most=False,
        targets_per_second=4100.0,
        trainable_parameters=12345,
        machine="CPU, 2 threads",
        runs=["run-142"],
        same_version=True,
        differing=0,
        warnings=[],
    )

    seconds: RangeOut | None = Field(description="of the whole run, evaluation included")
    memory_bytes: RangeOut | None
    limit_seconds: float | None = Field(description="after which training stops in any case")
    limited: bool = Field(description="whether that limit decides how long it takes")
    at_most: bool = Field(description="the earlier runs were cut short, so it may be over earlier")
    targets_per_second: float | None
    trainable_parameters: int | None
    machine: str = Field(description="what the earlier runs were computed on")
    runs: list[str] = Field(description="the earlier runs, nearest first")
    same_version: bool
    differing: int = Field(description="settings of the method in which the nearest one differs")
    warnings: list[str]


@router.get("/schema", response={200: SpecSchemaOut, **ERRORS}, operation_id="get_spec_schema")
def schema(request: HttpRequest) -> dict[str, Any]:
    """JSON schemas of a run's spec and of each method's settings: names, types, ranges, defaults, units."""
    return _schemas()


@presets_router.get("", response={200: PresetsOut, **ERRORS}, operation_id="list_presets")
def list_presets(request: HttpRequest) -> dict[str, Any]:
    """The presets of runs and of searches, with all their settings."""
    return _presets()


@router.post("/validate", response={200: CheckOut, **ERRORS}, operation_id="validate_spec", auth=TokenAuth(Scope.READ))
def check(request: HttpRequest, body: SpecIn) -> dict[str, Any]:
    """What is wrong with settings, by field; nothing is launched."""
    preset = get_preset(body.preset)
    try:
        spec = preset.spec(body.settings)
        check_backbones(spec.model_dump(mode="json"))
    except SpecError as error:
        problems = [{"field": path, "message": problem} for path, problem in error.problems]
        return {"valid": False, "problems": problems, "spec": None, "without_effect": {}}
    return {"valid": True, "problems": [], "spec": spec.model_dump(mode="json"), "without_effect": without_effect(spec)}


@router.post("/cost", response={200: CostOut, **ERRORS}, operation_id="estimate_cost", auth=TokenAuth(Scope.READ))
def cost(request: HttpRequest, body: CostIn) -> dict[str, Any]:
    """What a run would cost, from what earlier runs of the method did; nothing is launched."""
    version = get_version_for_user(user_of(request), body.version)
    spec = get_preset(body.preset).spec(body.settings)
    likely = cost_of(spec, version)
    found = likely.estimate
    return {
        "seconds": _range(found.seconds),
        "memory_bytes": _range(found.memory),
        "limit_seconds": found.limit,
        "limited": found.limited,
        "at_most": found.at_most,
        "targets_per_second": found.rate,
        "trainable_parameters": likely.parameters,
        "machine": found.machine,
        "runs": [record.name for record in found.runs],
        "same_version": found.same_version,
        "differing": found.differing,
        "warnings": likely.warnings,
    }


@cache
def _schemas() -> dict[str, Any]:
    return {"run": RunSpec.model_json_schema(), "methods": {entry.id: entry.spec.model_json_schema() for entry in METHODS}}


@cache
def _presets() -> dict[str, Any]:
    runs = [
        {"name": one.name, "sentence": one.sentence, "method": one.method, "spec": one.spec().model_dump(mode="json")}
        for one in presets()
    ]
    searches = [
        {"name": one.name, "sentence": one.sentence, "plan": one.plan().model_dump(mode="json")} for one in search_presets()
    ]
    return {"runs": runs, "searches": searches}


def _range(found: Range | None) -> dict[str, float] | None:
    return None if found is None else {"middle": found.middle, "low": found.low, "high": found.high}
