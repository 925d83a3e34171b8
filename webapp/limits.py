"""Refusing bodies that are too large while they arrive: Django writes a whole body to disk before it looks at it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_ANSWER = b"The upload is too large for this server. Upload the files gzipped, or ask an admin to raise UPLOAD_LIMIT_MB.\n"


class _TooLargeError(Exception):
    """More arrived than is allowed."""


def limit_bodies(application: Application, limit: int) -> Application:
    """``application``, where requests with bodies of more than ``limit`` bytes are answered 413, whatever their headers say."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        if _announced(scope) > limit:
            await _refuse(send)
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
                await _refuse(send)

    return limited


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(_ANSWER)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})
