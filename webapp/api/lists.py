"""Delivering a run by REST: lists for every user, a refit on all interactions, promoting it to its dataset's model."""

import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from ninja import Router, Schema, Status
from pydantic import Field

from webapp.accounts.models import Scope
from webapp.api.answers import ERRORS, PathId, Seen, Wait, example, user_of, waited
from webapp.api.auth import TokenAuth
from webapp.api.delivering import ModelOut, model_out
from webapp.api.idempotency import idempotent
from webapp.api.run_schemas import RunOut, run_out
from webapp.api.watch import LISTS
from webapp.delivering.lists import MOST_ITEMS, ask_for_lists, cancel_lists, get_lists, lists_of
from webapp.delivering.models import LONGEST_NOTE, UserLists
from webapp.delivering.promoting import promote_run
from webapp.delivering.views import lists_response
from webapp.experiments.access import get_run_for_user
from webapp.experiments.refitting import refit_run

router = Router(tags=["runs"])
_BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_FILE: dict[str, Any] = {"responses": {200: {"description": "OK", "content": _BINARY}}}


class ListsIn(Schema):
    """What is to be written for every user of the run's version."""

    model_config = example(k=20, format="csv", seen="protocol")

    k: int = Field(20, description=f"items a user, 1 to {MOST_ITEMS}")
    format: str = Field("parquet", description="parquet, csv (for people: titles, no formulas), csv-raw, jsonl or trec")
    seen: str = Field(
        "protocol", description="items that a user has already: protocol (as the run was evaluated), remove or keep"
    )


class ListsOut(Schema):
    """A file with lists for everybody; it is swept a week after it was asked for."""

    model_config = example(
        id=5,
        run=142,
        state="ready",
        k=20,
        format="csv",
        seen="protocol",
        applied="remove",
        progress={"done": 943, "total": 943},
        users=943,
        rows=18860,
        size=1048576,
        error="",
        hint="",
        stamp="5f1c7d1e0a9b2c3d",
        asked_at="2026-11-26T10:00:00Z",
        finished_at="2026-11-26T10:00:07Z",
        name="run-142-top-20.csv",
        url="/api/v1/runs/142/everyone/5",
        file="/api/v1/runs/142/everyone/5/file",
    )

    id: int
    run: int
    state: str = Field(description="queued, making, ready, failed or cancelled")
    k: int = Field(description="items a user, at most")
    format: str
    seen: str = Field(description="the rule that was asked for")
    applied: str = Field(description="remove or keep: the rule that was applied; empty before it is ready")
    progress: dict[str, int] = Field(description="done and total, in users; empty while nothing is written")
    users: int | None = Field(description="that have a list")
    rows: int | None = Field(description="recommendations in all")
    size: int | None = Field(description="of the file, in bytes")
    error: str
    hint: str
    stamp: str = Field(description="changes with state and progress: send it as `seen` to wait for the next change")
    asked_at: datetime.datetime
    finished_at: datetime.datetime | None
    name: str = Field(description="of the file")
    url: str
    file: str = Field(description="where the file is, once it is ready")


class PromoteIn(Schema):
    """Why this run is to be the model in use."""

    model_config = example(note="best on validation")

    note: str = Field("", max_length=LONGEST_NOTE, description="kept in the history of the dataset's models")


@router.get("/{run_id}/everyone", response={200: list[ListsOut], **ERRORS}, operation_id="list_user_lists")
def user_lists(request: HttpRequest, run_id: PathId) -> list[dict[str, Any]]:
    """The files with lists for everybody that were made of a run within the last week, newest first."""
    rows = list(lists_of(get_run_for_user(user_of(request), run_id)))
    stamps = LISTS.look([row.pk for row in rows])
    return [_lists_out(row, stamps[row.pk].stamp if row.pk in stamps else "") for row in rows]


@router.post("/{run_id}/everyone", response={201: ListsOut, **ERRORS}, operation_id="make_user_lists")
@idempotent
def make(request: HttpRequest, run_id: PathId, body: ListsIn) -> "Status[dict[str, Any]]":
    """Have the best items for every user of the run's version written to one file. Needs the role researcher.

    A file like that which is there, or under way, is given as it is.
    """
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    return Status(201, _one(ask_for_lists(run, user, body.format, str(body.k), body.seen)))


@router.get("/{run_id}/everyone/{lists_id}", response={200: ListsOut, **ERRORS}, operation_id="get_user_lists")
def one(request: HttpRequest, run_id: PathId, lists_id: PathId, wait: Wait = 0, seen: Seen = "") -> Any:
    """How far a file is. With `wait` it is answered once that has changed since `seen`, or after so many seconds."""
    user = user_of(request)

    def found() -> ListsOut:
        return ListsOut(**_one(get_lists(get_run_for_user(user, run_id), lists_id)))

    # Whose run it is comes first: others do not learn whether there is such a file.
    found()
    return waited(request, LISTS, lists_id, wait, seen, found)


@router.post("/{run_id}/everyone/{lists_id}/cancel", response={200: ListsOut, **ERRORS}, operation_id="cancel_user_lists")
def cancel(request: HttpRequest, run_id: PathId, lists_id: PathId) -> dict[str, Any]:
    """End a file that waits or is being made: nothing of it is kept. Twice is as once. Needs the role researcher."""
    user = user_of(request)
    lists = get_lists(get_run_for_user(user, run_id), lists_id)
    cancel_lists(lists, user)
    return _one(lists)


@router.get(
    "/{run_id}/everyone/{lists_id}/file", response={200: None, **ERRORS}, operation_id="download_user_lists", openapi_extra=_FILE
)
def file(request: HttpRequest, run_id: PathId, lists_id: PathId) -> HttpResponseBase:
    """The file itself, streamed; 404 until it is ready."""
    return lists_response(request, get_lists(get_run_for_user(user_of(request), run_id), lists_id))


@router.post("/{run_id}/refit", response={201: RunOut, **ERRORS}, operation_id="refit_run")
@idempotent
def refit(request: HttpRequest, run_id: PathId) -> "Status[RunOut]":
    """A run that trains the choices of this one, its epochs too, on all interactions. Asked twice, it is the same run."""
    user = user_of(request)
    made = refit_run(get_run_for_user(user, run_id), user)
    return Status(201, run_out(get_run_for_user(user, made.pk)))


@router.post("/{run_id}/promote", response={200: ModelOut, **ERRORS}, operation_id="promote_run", auth=TokenAuth(Scope.CURATE))
def promote(request: HttpRequest, run_id: PathId, body: PromoteIn) -> dict[str, Any]:
    """Make a run its dataset's current model, which `/datasets/{dataset_id}/recommend` asks. Needs the role curator.

    Twice is as once.
    """
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    promote_run(run, user, body.note)
    return model_out(run)


def _one(lists: UserLists) -> dict[str, Any]:
    sight = LISTS.sight(lists.pk)
    if sight is None:
        raise Http404("There is no such file, or it was swept.")
    return _lists_out(lists, sight.stamp)


def _lists_out(lists: UserLists, stamp: str) -> dict[str, Any]:
    address = f"/api/v1/runs/{lists.run_id}/everyone/{lists.pk}"
    same = ("state", "k", "seen", "applied", "progress", "users", "rows", "size", "error", "hint", "asked_at", "finished_at")
    return {
        **{name: getattr(lists, name) for name in same},
        "id": lists.pk,
        "run": lists.run_id,
        "format": lists.form,
        "stamp": stamp,
        "name": lists.file_name,
        "url": address,
        "file": f"{address}/file",
    }
