"""Refusing bodies that are too large while they arrive: Django writes a whole body to disk before it looks at it."""

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from webapp.failures import api_error

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_SAID = "The upload is too large for this server."
_HINT = "Upload the files gzipped, or ask an admin to raise UPLOAD_LIMIT_MB."


class _TooLargeError(Exception):
    """More arrived than is allowed."""


def limit_bodies(application: Application, limit: int) -> Application:
    """``application``, where requests with bodies of more than ``limit`` bytes are answered 413, whatever their headers say."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        if _announced(scope) > limit:
            await _refuse(scope, send)
            return
        arrived, started = 0, False

        async def count_received() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > limit:
                raise _TooLargeError
            return message

        async def note_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await application(scope, count_received, note_start)
        except _TooLargeError:
            if not started:
                await _refuse(scope, send)

    return limited


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(scope: Scope, send: Send) -> None:
    # Django never sees the request, so its id is made here.
    known = uuid.uuid4().hex
    if str(scope.get("path", "")).startswith("/api/"):
        kind, body = "application/json", json.dumps(api_error("too_large", _SAID, _HINT, request_id=known)).encode()
    else:
        kind, body = "text/plain; charset=utf-8", f"{_SAID} {_HINT}\n".encode()
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"x-request-id", known.encode()),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
