"""What the API takes and gives."""

import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from webapp.api.errors import CODES
from webapp.experiments.models import Run


class Problem(Schema):
    """One wrong setting."""

    field: str = Field(description="dotted path of the setting; empty for the whole")
    message: str


class ErrorBody(Schema):
    """What happened, and what to do."""

    code: str = Field(description="for machines", json_schema_extra={"enum": list(CODES)})
    message: str
    hint: str = Field(description="what to do about it; may be empty")
    field: str | None = Field(None, description="dotted path of the setting that is wrong, where one is")
    problems: list[Problem] | None = None
    request_id: str = Field(description="of the request, as in X-Request-ID")
    reference: str | None = Field(None, description="only where it was our fault: to find it in the log")


class ErrorOut(Schema):
    """The one shape of errors."""

    error: ErrorBody


class RunIn(Schema):
    """A run to launch: a preset, and settings that differ from it."""

    version: int = Field(description="id of a dataset version that is ready")
    preset: str = Field(description="name of a preset, e.g. sasrec")
    settings: dict[str, Any] = Field(default_factory=dict, description='dotted settings, e.g. {"training.epochs": 20}')
    acknowledge_leakage: bool = Field(False, description="true: you know the serious findings of the version's leakage report")


class LayerOut(Schema):
    """What one layer of the backbone got."""

    layer: int
    kind: str
    target: str
    rank: int
    parameters: int


class SampleOut(Schema):
    """Sample recommendations for one user; ``rank`` is the held-out item's, counted from 0."""

    user: str
    history: list[dict[str, Any]]
    target: dict[str, Any]
    rank: float
    recommended: list[dict[str, Any]]


class RunLine(Schema):
    """A run in a list."""

    id: int
    state: str
    method: str
    preset: str
    version: int = Field(description="id of the dataset version")
    dataset: str
    test: dict[str, float] = Field(description="test metrics; empty until the run has succeeded")
    protocol: dict[str, Any] = Field(description="compare metrics only where this is equal")
    queued_at: datetime.datetime | None
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    url: str


class RunOut(RunLine):
    """Everything about a run."""

    attempt: int
    worker: str
    heartbeat_at: datetime.datetime | None
    progress: dict[str, Any]
    error: str
    hint: str
    reference: str
    spec: dict[str, Any]
    data: dict[str, Any]
    valid: dict[str, float]
    slices: list[dict[str, Any]] = Field(description="test metrics of some of the users, by items and by users")
    warnings: list[str]
    acknowledged: list[dict[str, str]] = Field(description="serious leaks of the version that were acknowledged at the launch")
    seconds: float | None
    epochs: int | None
    best_epoch: int | None
    users_evaluated: int | None
    trainable_parameters: int | None
    targets_per_second: float | None
    architecture: list[LayerOut]
    samples: list[SampleOut]


class RunPage(Schema):
    """Runs, newest first."""

    count: int
    items: list[RunLine]


def run_line(run: Run) -> dict[str, Any]:
    """A run as ``RunLine`` wants it."""
    names = ("id", "state", "method", "preset", "test", "protocol", "queued_at", "started_at", "finished_at")
    values = {name: getattr(run, name) for name in names}
    return {**values, "version": run.version_id, "dataset": str(run.version), "url": f"/runs/{run.pk}"}


def run_out(run: Run) -> dict[str, Any]:
    """A run as ``RunOut`` wants it."""
    own = set(RunOut.model_fields) - set(RunLine.model_fields) - {"architecture", "samples"}
    layers = run.layers.values("layer", "kind", "target", "rank", "parameters")
    samples = (
        {
            "user": sample.user_id_text,
            "history": sample.history,
            "target": sample.target,
            "rank": sample.rank,
            "recommended": sample.recommended,
        }
        for sample in run.samples.all()
    )
    own_values = {name: getattr(run, name) for name in own}
    return {**run_line(run), **own_values, "architecture": list(layers), "samples": list(samples)}
