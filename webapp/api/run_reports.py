"""What a run reported and left, by REST: events, log, curves, ranks, architecture, samples, files. Mounted beside runs.py."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from ninja import Header, Path, Query, Router

from webapp.api.answers import ERRORS, Limit, PathId, user_of
from webapp.api.ranks import csv_pieces
from webapp.api.run_schemas import CurvesOut, EventPage, FileOut, LayerOut, LogOut, SampleOut, layers_of, samples_of
from webapp.api.sse import event_out, stream_of
from webapp.api.watch import RUNS
from webapp.experiments.access import get_run_for_user
from webapp.experiments.artifacts import file_response, file_words, tensorboard_response
from webapp.experiments.events import MAIN_METRIC, curve
from webapp.experiments.log import LogQuery, as_text, beyond, line_text, parse_place
from webapp.storage import list_files
from webapp.streaming import download, download_pieces

router = Router(tags=["runs"])
After = Annotated[str, Query(max_length=30, description="id of an event: only those after it; empty: from the first")]
Level = Annotated[Literal["all", "warnings", "checkpoints"], Query(description="which lines")]
Text = Annotated[str, Query(max_length=200, description="only lines with these words")]

_EVENT = {
    "type": "object",
    "description": "one event of the stream",
    "properties": {
        "id": {"type": "string", "description": "what to send as Last-Event-ID; events of the run have one"},
        "event": {"type": "string", "description": "type of the run's event, or state, or end"},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "the event, or how the run stands"},
    },
    "required": ["event", "data"],
}


def _file(*kinds: str) -> dict[str, Any]:
    """The document of an answer that is a file."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"responses": {200: {"description": "OK", "content": content}}}


@router.get("/{run_id}/events", response={200: EventPage, **ERRORS}, operation_id="list_run_events")
def events(
    request: HttpRequest,
    run_id: PathId,
    after: After = "",
    type: Annotated[str, Query(max_length=12, description="only of this type: log, warning, metric, checkpoint, result")] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="so many at most")] = 200,
) -> dict[str, Any]:
    """What the run has reported, from first to last, after a cursor. Progress is not among it: the run itself holds it."""
    run = get_run_for_user(user_of(request), run_id)
    rows = run.events.filter(type=type.replace("\x00", "")) if type else run.events.all()
    found = list(beyond(rows, parse_place(after) if after else None)[: limit + 1])
    items = [event_out(event) for event in found[:limit]]
    return {"items": items, "next": items[-1]["id"] if items else after, "more": len(found) > limit}


@router.get(
    "/{run_id}/stream",
    response={200: None, 204: None, **ERRORS},
    operation_id="stream_run",
    openapi_extra={"responses": {200: {"description": "OK", "content": {"text/event-stream": {"schema": _EVENT}}}}},
)
def stream(
    request: HttpRequest,
    run_id: PathId,
    after: After = "",
    last_event_id: Annotated[
        str, Header(alias="Last-Event-ID", max_length=30, description="as browsers send it when they connect again")
    ] = "",
) -> HttpResponseBase:
    """Server-sent events: each event of the run under its type, `state` where state or progress change, `end` at the end.

    It goes on after the event that `after` or `Last-Event-ID` names, and ends with the run, or after 15 minutes: then connect
    again with the last id. 204 where a run that has ended has nothing more to say.
    """
    run = get_run_for_user(user_of(request), run_id)
    known = last_event_id or after
    place = parse_place(known) if known else None
    if (
        last_event_id
        and (sight := RUNS.sight(run.pk)) is not None
        and sight.ended
        and not beyond(run.events.all(), place).exists()
    ):
        return HttpResponse(status=204)
    return stream_of(request, run.pk, place)


@router.get("/{run_id}/log", response={200: LogOut, **ERRORS}, operation_id="get_run_log")
def log(
    request: HttpRequest, run_id: PathId, text: Text = "", level: Level = "all", after: After = "", limit: Limit = 200
) -> dict[str, Any]:
    """The log's lines from first to last, after a cursor; `text` and `level` choose among them."""
    run = get_run_for_user(user_of(request), run_id)
    rows = LogQuery(text.replace("\x00", "").strip(), level).rows(run)
    found = list(beyond(rows, parse_place(after) if after else None)[: limit + 1])
    items = [
        {"id": f"{event.attempt}.{event.sequence}", "type": event.type, "created_at": event.created_at, "text": line_text(event)}
        for event in found[:limit]
    ]
    return {"items": items, "next": items[-1]["id"] if items else after, "more": len(found) > limit}


@router.get(
    "/{run_id}/log.txt", response={200: None, **ERRORS}, operation_id="download_run_log", openapi_extra=_file("text/plain")
)
def log_text(request: HttpRequest, run_id: PathId, text: Text = "", level: Level = "all") -> HttpResponseBase:
    """The whole log as a text file, or what `text` and `level` choose of it."""
    run = get_run_for_user(user_of(request), run_id)
    query = LogQuery(text.replace("\x00", "").strip(), level)
    return download_pieces(request, as_text(run, query), f"{run}.log.txt", "text/plain; charset=utf-8")


@router.get("/{run_id}/metrics", response={200: CurvesOut, **ERRORS}, operation_id="get_run_metrics")
def metrics(request: HttpRequest, run_id: PathId) -> dict[str, Any]:
    """The learning curve: NDCG@10 on validation, and the training loss. What came out in the end is in the run itself."""
    found = curve(get_run_for_user(user_of(request), run_id))
    points = {
        name: [{"step": one.step, "epoch": one.epoch, "value": one.value} for one in line]
        for name, line in (("valid", found.valid), ("loss", found.loss))
    }
    return {"metric": MAIN_METRIC, **points, "total": found.total}


@router.get(
    "/{run_id}/tensorboard",
    response={200: None, **ERRORS},
    operation_id="download_run_tensorboard",
    openapi_extra=_file("application/octet-stream"),
)
def tensorboard(request: HttpRequest, run_id: PathId) -> HttpResponseBase:
    """Loss, metrics by step and settings as a TensorBoard event file, as far as the run has come. Keep `tfevents` in its name."""
    return tensorboard_response(request, get_run_for_user(user_of(request), run_id))


@router.get(
    "/{run_id}/ranks",
    response={200: None, **ERRORS},
    operation_id="download_run_ranks",
    openapi_extra=_file("application/vnd.apache.parquet", "text/csv"),
)
def ranks(
    request: HttpRequest,
    run_id: PathId,
    split: Annotated[Literal["test", "valid"], Query()] = "test",
    format: Annotated[Literal["parquet", "csv"], Query()] = "parquet",
) -> HttpResponseBase:
    """For each user (its number in the version) the rank of the held-out item, counted from 0; mid-rank where scores tie."""
    run = get_run_for_user(user_of(request), run_id)
    name = f"ranks_{split}.parquet"
    key = f"{run.folder_key}/{name}"
    if not run.folder_key or not default_storage.exists(key):
        raise Http404(f"{run} has no ranks of {split}: it has not come so far, or its files were removed.")
    if format == "csv":
        return download_pieces(request, csv_pieces(key), f"{run}-ranks_{split}.csv", "text/csv; charset=utf-8")
    return download(request, key, f"{run}-{name}", "application/vnd.apache.parquet")


@router.get("/{run_id}/architecture", response={200: list[LayerOut], **ERRORS}, operation_id="get_run_architecture")
def architecture(request: HttpRequest, run_id: PathId) -> list[dict[str, Any]]:
    """What each layer of the backbone got, the lowest first; empty before the result, and for methods without adapters."""
    return layers_of(get_run_for_user(user_of(request), run_id))


@router.get("/{run_id}/samples", response={200: list[SampleOut], **ERRORS}, operation_id="get_run_samples")
def samples(request: HttpRequest, run_id: PathId) -> list[dict[str, Any]]:
    """What the run recommends to some users of the test split; empty before the result."""
    return list(samples_of(get_run_for_user(user_of(request), run_id)))


@router.get("/{run_id}/files", response={200: list[FileOut], **ERRORS}, operation_id="list_run_files")
def files(request: HttpRequest, run_id: PathId) -> list[dict[str, Any]]:
    """The files of the run, with their sizes."""
    run = get_run_for_user(user_of(request), run_id)
    found = list_files(run.folder_key) if run.folder_key else []
    address = f"/api/v1/runs/{run.pk}/files/"
    return [{"name": name, "size": size, "about": file_words(name), "url": address + quote(name)} for name, size in found]


@router.get(
    "/{run_id}/files/{path:name}",
    response={200: None, **ERRORS},
    operation_id="download_run_file",
    openapi_extra=_file("application/octet-stream"),
)
def file(
    request: HttpRequest, run_id: PathId, name: Annotated[str, Path(description="as the list of files says it")]
) -> HttpResponseBase:
    """One file of the run, as an attachment."""
    return file_response(request, get_run_for_user(user_of(request), run_id), name)
