"""What the API takes and gives of datasets and their versions."""

import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from webapp.api.answers import example
from webapp.datasets.display import CARD
from webapp.datasets.models import Dataset, Question, Version

_VERSION: dict[str, Any] = {
    "id": 7,
    "dataset": 2,
    "name": "Beauty v1",
    "number": 1,
    "state": "ready",
    "parent": None,
    "hash": "ab" * 32,
    "users": 600,
    "items": 240,
    "interactions": 9120,
    "filters": {"core": 5},
    "review": "",
    "error": "",
    "hint": "",
    "created_at": "2026-11-26T09:00:00Z",
    "finished_at": "2026-11-26T09:00:04Z",
    "url": "/datasets/2/versions/1",
}
_DATASET: dict[str, Any] = {
    "id": 2,
    "name": "Beauty",
    "description": "",
    "project": 1,
    "generated": False,
    "versions": 1,
    "created_at": "2026-11-26T09:00:00Z",
    "url": "/datasets/2",
}


class DatasetLine(Schema):
    """A dataset in a list."""

    model_config = example(**_DATASET)

    id: int
    name: str
    description: str
    project: int
    generated: bool = Field(description="made by a program, not by people's behaviour")
    versions: int = Field(description="how many it has")
    created_at: datetime.datetime
    url: str


class DatasetOut(DatasetLine):
    """A dataset with its card."""

    model_config = example(**_DATASET, source="", licence="", purpose="", contact="", known_faults="")

    source: str
    licence: str
    purpose: str
    contact: str
    known_faults: str


class DatasetPage(Schema):
    """Datasets, newest first."""

    model_config = example(items=[_DATASET], next="")

    items: list[DatasetLine]
    next: str = Field(description="cursor of the next page; empty on the last one")


class VersionLine(Schema):
    """A version in a list."""

    model_config = example(**_VERSION)

    id: int
    dataset: int
    name: str
    number: int = Field(description="counts from 1 within the dataset")
    state: str = Field(description="queued, ingesting, ready, failed or deleted")
    parent: int | None = Field(description="id of the version that it was made from")
    hash: str = Field(description="of its content; empty until it is ready")
    users: int | None
    items: int | None
    interactions: int | None
    filters: dict[str, Any]
    review: str
    error: str
    hint: str
    created_at: datetime.datetime
    finished_at: datetime.datetime | None
    url: str


class VersionFull(VersionLine):
    """A version, and how it was read."""

    model_config = example(**_VERSION, progress={}, notices=[], report={}, manifest={})

    progress: dict[str, Any] = Field(description="step, and done and of in bytes, while it is read")
    notices: list[Any] = Field(description="what was changed or looked odd while reading")
    report: dict[str, Any] = Field(description="rows left out, by reason")
    manifest: dict[str, Any] = Field(description="counts, filter steps, sources")


class VersionPage(Schema):
    """Versions, newest first."""

    model_config = example(items=[_VERSION], next="")

    items: list[VersionLine]
    next: str = Field(description="cursor of the next page; empty on the last one")


class FiltersIn(Schema):
    """Filters by name; those left out are off."""

    model_config = example(filters={"core": 5, "minimum_rating": 4})

    filters: dict[str, Any] = Field(default_factory=dict, description="as in a spec's filters")


class QuestionOut(Schema):
    """Something that a worker finds out; ask `url` again until ``state`` is answered or failed."""

    model_config = example(
        id=5, state="answered", url="/api/v1/versions/7/previews/5", answer={"steps": [], "notices": []}, error="", hint=""
    )

    id: int
    state: str = Field(description="asked, answered or failed")
    url: str
    answer: dict[str, Any]
    error: str
    hint: str


def dataset_line(dataset: Dataset, versions: int) -> dict[str, Any]:
    """A dataset as ``DatasetLine`` wants it."""
    names = ("id", "name", "description", "generated", "created_at")
    about = {name: getattr(dataset, name) for name in names}
    return {**about, "project": dataset.project_id, "versions": versions, "url": f"/datasets/{dataset.pk}"}


def dataset_out(dataset: Dataset) -> dict[str, Any]:
    """A dataset as ``DatasetOut`` wants it; counts its versions."""
    return {**dataset_line(dataset, dataset.versions.count()), **{name: getattr(dataset, name) for name in CARD}}


def version_line(version: Version) -> dict[str, Any]:
    """A version as ``VersionLine`` wants it."""
    made = {"dataset", "name", "parent", "url"}
    about = {name: getattr(version, name) for name in VersionLine.model_fields if name not in made}
    address = f"/datasets/{version.dataset_id}/versions/{version.number}"
    return {**about, "dataset": version.dataset_id, "name": str(version), "parent": version.parent_id, "url": address}


def version_full(version: Version) -> dict[str, Any]:
    """A version as ``VersionFull`` wants it."""
    return {**version_line(version), **{name: getattr(version, name) for name in ("progress", "notices", "report", "manifest")}}


def question_out(question: Question) -> dict[str, Any]:
    """A preview as ``QuestionOut`` wants it."""
    about = {name: getattr(question, name) for name in ("id", "state", "answer", "error", "hint")}
    return {**about, "url": f"/api/v1/versions/{question.version_id}/previews/{question.pk}"}
