"""What the API takes and gives of searches."""

import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from webapp.api.answers import Flag, Id, Whole, example
from webapp.api.run_schemas import Settings
from webapp.searches.launching import MAX_AT_ONCE
from webapp.searches.models import Search, SearchTrial, Stage, TrialState
from webapp.searches.stamps import look_at_searches

_LINE: dict[str, Any] = {
    "id": 3,
    "number": 1,
    "state": "running",
    "project": 1,
    "version": 7,
    "dataset": "Beauty v1",
    "trials": 30,
    "done": 4,
    "running": 2,
    "best": 0.0612,
    "message": "",
    "created_at": "2026-11-26T10:00:00Z",
    "finished_at": None,
    "url": "/searches/3",
}
_TRIAL: dict[str, Any] = {
    "id": 41,
    "stage": "trial",
    "number": 3,
    "state": "done",
    "run": 142,
    "value": 0.0605,
    "fidelity": 1.0,
    "parameters": 393216,
    "architecture": ["lora/both/8", "none"],
    "settings": {},
    "origin": "model",
    "expected_mean": 0.0591,
    "expected_sd": 0.002,
    "warning": "",
}


class SearchIn(Schema):
    """A search to launch: a preset of searches, and settings that differ from it."""

    model_config = example(version=7, preset="search-nano", settings={"trials": 20, "space.ranks": [4, 8]}, at_once=2)

    version: Id = Field(description="id of a dataset version that is ready")
    preset: str = Field(description="name of a preset of searches, e.g. search-nano")
    settings: Settings = Field(default_factory=dict)
    at_once: Whole = Field(2, ge=1, le=MAX_AT_ONCE, description="trials that wait or run at the same time")
    acknowledge_leakage: Flag = Field(False, description="true: you know the serious findings of the version's leakage report")


class CloneSearchIn(Schema):
    """What a new search does otherwise than the one that it repeats."""

    model_config = example(settings={"trials": 40}, acknowledge_leakage=True)

    version: Id | None = Field(None, description="id of the dataset version; empty: the same")
    settings: Settings = Field(default_factory=dict, description="on top of that search's plan")
    at_once: Whole | None = Field(None, ge=1, le=MAX_AT_ONCE, description="empty: the same")
    acknowledge_leakage: Flag = Field(False, description="true: you know the serious findings of the version's leakage report")


class MoreTrials(Schema):
    """So many trials on top."""

    model_config = example(trials=10)

    trials: Whole = Field(ge=1, le=10_000)


class SearchLine(Schema):
    """A search in a list."""

    model_config = example(**_LINE)

    id: int
    number: int = Field(description="counts from 1 within the project")
    state: str = Field(description="running, paused, finishing, finished, failed or cancelled")
    project: int
    version: int = Field(description="id of the dataset version")
    dataset: str
    trials: int = Field(description="planned")
    done: int
    running: int
    best: float | None = Field(description="the highest validation NDCG@10 of a trial")
    message: str
    created_at: datetime.datetime
    finished_at: datetime.datetime | None
    url: str


class SearchOut(SearchLine):
    """Everything about a search but its trials."""

    model_config = example(**_LINE, stamp="5f1c7d1e0a9b2c3d", at_once=2, hint="", reference="", plan={}, winner={}, answer={})

    stamp: str = Field(description="changes with the search and its trials: send it as `seen` to wait for the next change")
    at_once: int
    hint: str
    reference: str
    plan: dict[str, Any]
    winner: dict[str, Any] = Field(description="number of the trial that the model believes in most, with mean, sd and reason")
    answer: dict[str, Any] = Field(description="winner against uniform adapters of the same size; empty before the first end")


class SearchPage(Schema):
    """Searches, newest first."""

    model_config = example(items=[_LINE], next="")

    items: list[SearchLine]
    next: str = Field(description="cursor of the next page; empty on the last one")


class TrialOut(Schema):
    """A candidate and the run that trains it."""

    model_config = example(**_TRIAL)

    id: int
    stage: str = Field(description="trial, rival, winner or uniform")
    number: int = Field(description="counts from 0 within the stage")
    state: str = Field(description="running, done, failed or cancelled")
    run: int
    value: float | None = Field(description="validation NDCG@10 once it is done")
    fidelity: float = Field(description="share of a full trial that the value is worth; less if it was ended early")
    parameters: int = Field(description="trainable adapter parameters")
    architecture: list[str] = Field(description="one choice a layer, the lowest first: kind/target/rank, or none")
    settings: dict[str, Any]
    origin: str
    expected_mean: float | None
    expected_sd: float | None
    warning: str


class TrialPage(Schema):
    """Trials, the first one first."""

    model_config = example(items=[_TRIAL], next="")

    items: list[TrialOut]
    next: str = Field(description="cursor of the next page; empty on the last one")


class ChoiceOut(Schema):
    """What a layer gets."""

    model_config = example(layer=0, kind="lora", target="both", rank=8)

    layer: int
    kind: str
    target: str
    rank: int


class WinnerOut(Schema):
    """The architecture that leads."""

    model_config = example(
        trial=3,
        run=142,
        value=0.0612,
        parameters=393216,
        decided=True,
        layers=[{"layer": 0, "kind": "lora", "target": "both", "rank": 8}],
        settings={},
    )

    trial: int
    run: int
    value: float | None
    parameters: int
    decided: bool = Field(description="false: it is the best so far, and trials are still to come")
    layers: list[ChoiceOut]
    settings: dict[str, Any]


def search_line(search: Any) -> dict[str, Any]:
    """A search as ``SearchLine`` wants it; it comes from ``with_counts``."""
    return {**_about(search), "trials": search.planned, "done": search.done, "running": search.going, "best": search.best}


def search_out(search: Search) -> SearchOut:
    """Everything about a search."""
    rows = list(search.trials.filter(stage=Stage.TRIAL).values_list("state", "value"))
    states = [state for state, _ in rows]
    found = look_at_searches([search.pk]).get(search.pk)
    own = {name: getattr(search, name) for name in ("at_once", "hint", "reference", "plan", "winner", "answer")}
    return SearchOut.model_validate(
        {
            **_about(search),
            **own,
            "trials": search.plan["trials"],
            "done": states.count(TrialState.DONE),
            "running": states.count(TrialState.RUNNING),
            "best": max((value for _, value in rows if value is not None), default=None),
            "stamp": found.stamp if found else "",
        }
    )


def trial_out(trial: SearchTrial) -> dict[str, Any]:
    """A trial as ``TrialOut`` wants it."""
    names = (
        "id",
        "stage",
        "number",
        "state",
        "value",
        "fidelity",
        "parameters",
        "origin",
        "expected_mean",
        "expected_sd",
        "warning",
    )
    about = {name: getattr(trial, name) for name in names}
    candidate = trial.candidate
    return {**about, "run": trial.run_id, "architecture": candidate["architecture"], "settings": candidate["fields"]}


def _about(search: Search) -> dict[str, Any]:
    names = ("id", "number", "state", "message", "created_at", "finished_at")
    about = {name: getattr(search, name) for name in names}
    place = {"project": search.project_id, "version": search.version_id, "dataset": str(search.version)}
    return {**about, **place, "url": f"/searches/{search.pk}"}
