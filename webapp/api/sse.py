"""A run as server-sent events: what it reports, and how it stands, until it has ended."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from ninja.responses import NinjaJSONEncoder

from engine.errors import UserError
from webapp.api.watch import RUNS, in_reader, release_connection
from webapp.experiments.log import Place, beyond
from webapp.experiments.models import Run, RunEvent

LONGEST = 900.0
"""Seconds after which the client must connect again: connections that nobody reads any more come to an end."""
_ALIVE = 15.0
"""A line at least every so many seconds, or proxies cut the connection."""
_BATCH = 500
_RETRY_MILLISECONDS = 2000


def event_out(event: RunEvent) -> dict[str, Any]:
    """An event as the API gives it."""
    values = {name: getattr(event, name) for name in ("type", "attempt", "sequence", "created_at", "payload")}
    return {"id": f"{event.attempt}.{event.sequence}", **values}


def stream_of(request: HttpRequest, pk: int, place: Place | None) -> StreamingHttpResponse:
    """The stream of run ``pk`` after ``place``; who asks may see it. Raises UserError where this server cannot stream."""
    if not isinstance(request, ASGIRequest):
        raise UserError("This server cannot stream.", "Ask for /events?after= from time to time.")
    release_connection()
    response = StreamingHttpResponse(_messages(pk, place), content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    # nginx would otherwise keep the messages until it has many of them.
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _messages(pk: int, place: Place | None) -> AsyncIterator[bytes]:
    """Everything as it comes. No database connection is held between two messages."""
    clock = asyncio.get_running_loop().time
    until, stamp = clock() + LONGEST, ""
    yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
    sight = await in_reader(RUNS.sight, pk)
    while sight is not None:
        # What was reported before it stood like this comes first: after the end there is nothing.
        more = True
        while more:
            events = await in_reader(_read, pk, place)
            for event in events:
                place = Place(event.attempt, event.sequence)
                yield _message(event.type, event_out(event), str(place))
            more = len(events) == _BATCH
        if sight.stamp != stamp:
            stamp = sight.stamp
            yield _message("state", await in_reader(_standing, pk, stamp))
        if sight.ended:
            break
        changed = await RUNS.change(pk, sight, min(_ALIVE, until - clock()))
        if clock() >= until:
            return
        if changed == sight:
            yield b": still here\n\n"
        sight = changed
    yield _message("end", {"id": pk, "gone": sight is None})


def _read(pk: int, place: Place | None) -> list[RunEvent]:
    return list(beyond(RunEvent.objects.filter(run=pk), place)[:_BATCH])


def _standing(pk: int, stamp: str) -> dict[str, Any]:
    about = Run.objects.filter(pk=pk).values("id", "state", "attempt", "progress", "error", "hint").first()
    return {**(about or {"id": pk}), "stamp": stamp}


def _message(kind: str, values: dict[str, Any], name: str = "") -> bytes:
    # JSON has no line breaks of its own, so a person's text cannot begin another field.
    data = json.dumps(values, cls=NinjaJSONEncoder)
    return f"{f'id: {name}' + chr(10) if name else ''}event: {kind}\ndata: {data}\n\n".encode()
