"""What the API takes and gives of runs."""

import datetime
from collections.abc import Iterator
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field

from webapp.api.answers import Amount, Flag, Id, Whole, example
from webapp.experiments.models import ACTIVE_STATES, LONGEST_NOTES, LONGEST_TAG, MOST_TAGS, Run
from webapp.experiments.stamps import stamp_of_run

Settings = Annotated[dict[str, Any], Field(description='dotted settings, e.g. {"training.epochs": 20}')]
Moment = datetime.datetime | None
_PROTOCOL = {"split": "leave-one-out", "seen": "remove", "candidates": "full", "ties": "mid-rank", "catalogue": 240}
_LINE: dict[str, Any] = {
    "id": 142,
    "state": "succeeded",
    "method": "sasrec",
    "preset": "sasrec",
    "version": 7,
    "dataset": "Beauty v1",
    "project": 1,
    "tags": ["baseline"],
    "starred": False,
    "archived_at": None,
    "test": {"ndcg@10": 0.0571, "hr@10": 0.1085},
    "protocol": _PROTOCOL,
    "queued_at": "2026-11-26T10:00:00Z",
    "started_at": "2026-11-26T10:00:02Z",
    "finished_at": "2026-11-26T10:01:17Z",
    "url": "/runs/142",
}


class RunIn(Schema):
    """A run to launch: a preset, and settings that differ from it."""

    model_config = example(version=7, preset="sasrec", settings={"training.epochs": 20})

    version: Whole = Field(description="id of a dataset version that is ready")
    preset: str = Field(description="name of a preset, e.g. sasrec")
    settings: Settings = Field(default_factory=dict)
    acknowledge_leakage: Flag = Field(False, description="true: you know the serious findings of the version's leakage report")


class CloneIn(Schema):
    """What a new run has differently from the one that is cloned."""

    model_config = example(settings={"training.seed": 1})

    settings: Settings = Field(default_factory=dict)
    version: Id | None = Field(None, description="id of another version; empty takes the run's own")
    acknowledge_leakage: Flag = Field(False, description="true: you know the serious findings of the version's leakage report")


class ExtendIn(Schema):
    """Larger limits; those left out stay as they are."""

    model_config = example(epochs=40)

    epochs: Whole | None = Field(None, description="epochs in all, those that are done included", ge=1, le=100_000)
    minutes: Amount | None = Field(None, description="minutes of training in all", gt=0, le=100_000)
    patience: Whole | None = Field(
        None, description="evaluations without a better validation NDCG@10 before it stops", ge=1, le=100_000
    )


class MarksIn(Schema):
    """What people put on a run; what is left out stays."""

    model_config = example(tags=["baseline"], starred=True)

    tags: list[Annotated[str, Field(max_length=LONGEST_TAG)]] | None = Field(
        None, max_length=MOST_TAGS, description="all tags that it shall have"
    )
    notes: Annotated[str, Field(max_length=LONGEST_NOTES)] | None = Field(None, description="Markdown")
    starred: Flag | None = Field(None, description="a star is yours alone; every member may set theirs")
    archived: Flag | None = Field(None, description="lists leave it out")


class LayerOut(Schema):
    """What one layer of the backbone got."""

    model_config = example(layer=0, kind="lora", target="both", rank=8, parameters=12345)

    layer: int
    kind: str
    target: str
    rank: int
    parameters: int


class SampleOut(Schema):
    """Sample recommendations for one user; ``rank`` is the held-out item's, counted from 0."""

    model_config = example(
        user="u7",
        history=[{"id": "i1", "title": "Soap"}],
        target={"id": "i3", "title": "Comb"},
        rank=3.0,
        recommended=[{"id": "i3", "title": "Comb", "score": 1.2}],
    )

    user: str
    history: list[dict[str, Any]]
    target: dict[str, Any]
    rank: float
    recommended: list[dict[str, Any]]


class RunLine(Schema):
    """A run in a list."""

    model_config = example(**_LINE)

    id: int
    state: str = Field(description="queued, starting, running, evaluating, cancelling, succeeded, failed, cancelled or lost")
    method: str
    preset: str
    version: int = Field(description="id of the dataset version")
    dataset: str
    project: int = Field(description="id of the project")
    tags: list[str]
    starred: bool = Field(description="by you")
    archived_at: Moment
    test: dict[str, float] = Field(description="test metrics; empty until the run has succeeded")
    protocol: dict[str, Any] = Field(description="compare metrics only where this is equal")
    queued_at: Moment
    started_at: Moment
    finished_at: Moment
    url: str


class RunOut(RunLine):
    """Everything about a run."""

    model_config = example(
        **_LINE,
        stamp="5f1c7d1e0a9b2c3d",
        attempt=1,
        worker="gpu-1:42",
        heartbeat_at="2026-11-26T10:01:10Z",
        progress={"stage": "train", "fraction": 1.0},
        error="",
        hint="",
        reference="",
        spec={"spec_version": 1, "method": {"id": "sasrec"}},
        data={"users": 600, "items": 240, "interactions": 9120},
        valid={"ndcg@10": 0.0605},
        slices=[],
        warnings=[],
        acknowledged=[],
        seconds=75.0,
        epochs=2,
        best_epoch=1,
        users_evaluated=600,
        trainable_parameters=12345,
        targets_per_second=4100.0,
        continues=None,
        notes="",
        architecture=[],
        samples=[],
    )

    stamp: str = Field(description="changes with state and progress: send it as `seen` to wait for the next change")
    attempt: int
    worker: str
    heartbeat_at: Moment
    progress: dict[str, Any]
    error: str
    hint: str
    reference: str
    spec: dict[str, Any]
    data: dict[str, Any]
    valid: dict[str, float]
    slices: list[dict[str, Any]] = Field(description="test metrics of some of the users, by items and by users")
    warnings: list[str]
    acknowledged: list[dict[str, Any]] = Field(description="serious leaks of the version that were acknowledged at the launch")
    seconds: float | None
    epochs: Whole | None
    best_epoch: int | None
    users_evaluated: int | None
    trainable_parameters: int | None
    targets_per_second: float | None
    continues: int | None = Field(description="id of the run whose training this one extends")
    notes: str
    architecture: list[LayerOut]
    samples: list[SampleOut]


class RunPage(Schema):
    """Some runs."""

    model_config = example(count=1, items=[_LINE], next="")

    count: int = Field(description="how many match; counted up to 10,001 only")
    items: list[RunLine]
    next: str = Field(description="cursor of the next page; empty on the last one")


class EventOut(Schema):
    """Something that the run reported."""

    model_config = example(
        id="1.17",
        type="metric",
        attempt=1,
        sequence=17,
        created_at="2026-11-26T10:00:31Z",
        payload={"split": "valid", "step": 10, "epoch": 1, "values": {"ndcg@10": 0.05}},
    )

    id: str = Field(description="its place, attempt.sequence: send the last one as `after`")
    type: str = Field(description="log, warning, metric, checkpoint or result")
    attempt: int
    sequence: int
    created_at: datetime.datetime
    payload: dict[str, Any]


class EventPage(Schema):
    """Events in order."""

    model_config = example(items=[], next="1.17", more=False)

    items: list[EventOut]
    next: str = Field(description="send it as `after` for those that come after; empty before the first event")
    more: bool = Field(description="whether there are more of them already")


class LogLine(Schema):
    """A line of the log."""

    model_config = example(id="1.3", type="log", created_at="2026-11-26T10:00:03Z", text="read 600 users")

    id: str
    type: str
    created_at: datetime.datetime
    text: str


class LogOut(Schema):
    """Lines in order."""

    model_config = example(items=[], next="1.3", more=False)

    items: list[LogLine]
    next: str
    more: bool


class PointOut(Schema):
    """A value after so many optimiser steps and epochs."""

    model_config = example(step=10, epoch=1, value=0.05)

    step: int
    epoch: int
    value: float


class CurvesOut(Schema):
    """The learning curve; long ones are thinned out so that no dip and no peak is lost."""

    model_config = example(
        metric="ndcg@10",
        valid=[{"step": 10, "epoch": 1, "value": 0.05}],
        loss=[{"step": 10, "epoch": 1, "value": 4.2}],
        total=1,
    )

    metric: str = Field(description="which metric of the validation `valid` holds")
    valid: list[PointOut]
    loss: list[PointOut]
    total: int = Field(description="points of the longer line before it was thinned out")


class FileOut(Schema):
    """A file of the run."""

    model_config = example(
        name="result.json", size=5120, about="everything that came out, as JSON", url="/api/v1/runs/142/files/result.json"
    )

    name: str
    size: int = Field(description="bytes")
    about: str
    url: str


def run_line(run: Run) -> dict[str, Any]:
    """A run as ``RunLine`` wants it; it has ``starred``."""
    names = ("id", "state", "method", "preset", "tags", "archived_at", "test", "protocol")
    values = {name: getattr(run, name) for name in (*names, "queued_at", "started_at", "finished_at")}
    about = {"version": run.version_id, "dataset": str(run.version), "project": run.project_id}
    return {**values, **about, "starred": getattr(run, "starred", False), "url": f"/runs/{run.pk}"}


def layers_of(run: Run) -> list[dict[str, Any]]:
    """Its architecture, the lowest layer first."""
    return [dict(layer) for layer in run.layers.values("layer", "kind", "target", "rank", "parameters")]


def samples_of(run: Run) -> Iterator[dict[str, Any]]:
    """Its sample recommendations."""
    for sample in run.samples.all():
        names = ("history", "target", "rank", "recommended")
        yield {"user": sample.user_id_text, **{name: getattr(sample, name) for name in names}}


def run_out(run: Run) -> RunOut:
    """Everything about a run."""
    made = {"architecture", "samples", "stamp", "continues"}
    own = {name: getattr(run, name) for name in set(RunOut.model_fields) - set(RunLine.model_fields) - made}
    return RunOut.model_validate(
        {
            **run_line(run),
            **own,
            "stamp": stamp_of_run(run),
            "continues": run.continues_id,
            "architecture": layers_of(run),
            # They come with the result.
            "samples": [] if run.state in ACTIVE_STATES else list(samples_of(run)),
        }
    )
