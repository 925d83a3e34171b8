"""Uploads by REST: announce files, send their parts, make a version of them."""

import uuid
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from webapp.accounts.access import get_project_for_user, require_role
from webapp.accounts.models import Role
from webapp.api.answers import ERRORS, Whole, example, user_of
from webapp.api.idempotency import idempotent
from webapp.datasets.access import get_dataset_for_user
from webapp.datasets.columns import describe, require_mapping
from webapp.datasets.models import Upload
from webapp.datasets.starting import start_version
from webapp.datasets.uploads import (
    Announced,
    begin_upload,
    cancel_upload,
    get_file,
    get_upload_for_user,
    is_complete,
    status,
    store_part,
)
from webapp.experiments.actions import check_storable

router = Router(tags=["uploads"])

_PART = {
    "description": "the octets of the part",
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
_SUM = {
    "name": "X-Part-SHA256",
    "in": "header",
    "required": False,
    "description": "SHA-256 of the part in hexadecimal digits, to be checked",
    "schema": {"type": "string"},
}


class FileIn(Schema):
    """A file that is about to come."""

    model_config = example(role="interactions", name="ratings.csv", size=1024)

    role: str = Field(description="interactions (or one archive with everything), or items")
    name: str
    size: Whole = Field(description="bytes", ge=0)


class UploadIn(Schema):
    """An upload to begin."""

    model_config = example(files=[{"role": "interactions", "name": "ratings.csv", "size": 1024}], name="Beauty")

    files: list[FileIn]
    dataset: Whole | None = Field(None, description="id of the dataset to add a version to; empty makes a new one")
    project: Whole | None = Field(None, description="id of the project of a new dataset; empty is your first")
    name: str = Field("", description="of a new dataset")


class FileOut(FileIn):
    """A file and what is there of it."""

    model_config = example(role="interactions", name="ratings.csv", size=1024, parts=1, stored=[0])

    parts: int = Field(description="how many parts it has when it is whole")
    stored: list[int] = Field(description="numbers of the parts that are there, from 0")


class UploadOut(Schema):
    """An upload."""

    model_config = example(key="7f3c2b1a-0d4e-4f5a-9b6c-1d2e3f4a5b6c", part_bytes=8388608, files=[], complete=False)

    key: uuid.UUID
    part_bytes: int = Field(description="size of each part but the last")
    files: list[FileOut]
    complete: bool


class PartOut(Schema):
    """A stored part."""

    model_config = example(number=0, size=1024, sha256="ab" * 32)

    number: int
    size: int
    sha256: str


class VersionIn(Schema):
    """How the files become a version."""

    model_config = example(filters={"core": 5})

    filters: dict[str, Any] = Field(default_factory=dict, description='e.g. {"core": 5}')
    mapping: dict[str, Any] | None = Field(None, description="what the columns mean; empty takes our names, or the guess")


class VersionOut(Schema):
    """The version that a worker will read."""

    model_config = example(id=7, dataset=2, number=1, state="queued", url="/datasets/2/versions/1")

    id: int
    dataset: int
    number: int
    state: str
    url: str


@router.post("", response={201: UploadOut, **ERRORS}, operation_id="begin_upload")
@idempotent
def begin(request: HttpRequest, body: UploadIn) -> "Status[dict[str, Any]]":
    """Announce files. Needs the role researcher."""
    user = user_of(request)
    dataset = get_dataset_for_user(user, body.dataset) if body.dataset is not None else None
    if dataset is not None:
        project = dataset.project
    else:
        first = user.memberships.order_by("pk").values_list("project", flat=True).first()
        project = get_project_for_user(user, body.project if body.project is not None else first or 0)
    require_role(user, project, Role.RESEARCHER)
    files = [Announced(file.role, file.name, file.size) for file in body.files]
    return Status(201, status(begin_upload(project, user, files, dataset, body.name)))


@router.get("/{key}", response={200: UploadOut, **ERRORS}, operation_id="get_upload")
def look(request: HttpRequest, key: uuid.UUID) -> dict[str, Any]:
    """Which parts are there."""
    return status(get_upload_for_user(user_of(request), key))


@router.put(
    "/{key}/{role}/parts/{number}",
    response={200: PartOut, **ERRORS},
    operation_id="put_part",
    openapi_extra={"requestBody": _PART, "parameters": [_SUM]},
)
def put_part(request: HttpRequest, key: uuid.UUID, role: str, number: int) -> dict[str, Any]:
    """Send one part as the body, octets as they are; a second time replaces it. ``X-Part-SHA256`` is checked if given."""
    upload = _mine(request, key)
    part = store_part(get_file(upload, role), number, request, request.headers.get("X-Part-SHA256", ""))
    return {"number": part.number, "size": part.size, "sha256": part.sha256}


@router.get("/{key}/mapping", response={200: dict[str, Any], **ERRORS}, operation_id="guess_mapping")
def guess(request: HttpRequest, key: uuid.UUID) -> dict[str, Any]:
    """What the columns seem to mean: ``layout`` where it is known, else a ``mapping`` to correct, and reasons for each column."""
    upload = _mine(request, key)
    found = describe(upload)
    columns = {part["role"]: part["columns"] for part in found["parts"]}
    return {"layout": found["layout"], "mapping": found["mapping"], "problem": found["problem"], "columns": columns}


@router.post("/{key}/version", response={201: VersionOut, **ERRORS}, operation_id="start_version")
@idempotent
def start(request: HttpRequest, key: uuid.UUID, body: VersionIn) -> "Status[dict[str, Any]]":
    """Have a worker make a version of the files; the upload is then part of it."""
    upload = _mine(request, key)
    check_storable([body.filters, body.mapping])
    mapping = body.mapping
    if mapping is None and is_complete(upload):
        mapping = require_mapping(describe(upload))
    version = start_version(upload, user_of(request), body.filters, mapping)
    url = f"/datasets/{version.dataset_id}/versions/{version.number}"
    values = {"id": version.pk, "dataset": version.dataset_id, "number": version.number, "state": version.state, "url": url}
    return Status(201, values)


@router.delete("/{key}", response={204: None, **ERRORS}, operation_id="cancel_upload")
def cancel(request: HttpRequest, key: uuid.UUID) -> "Status[None]":
    """Away with an upload that has not become a version."""
    cancel_upload(_mine(request, key))
    return Status(204, None)


def _mine(request: HttpRequest, key: uuid.UUID) -> Upload:
    user = user_of(request)
    upload = get_upload_for_user(user, key)
    require_role(user, upload.project, Role.RESEARCHER)
    return upload
