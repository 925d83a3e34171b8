import asyncio
from typing import Any

import pytest

from webapp.limits import limit_bodies

LIMIT = 10


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Reads the whole body, as Django does, then answers 200."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def status_of(parts: list[bytes], headers: list[tuple[bytes, bytes]]) -> int:
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": part, "more_body": part is not parts[-1]} for part in parts]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(limit_bodies(echo, LIMIT)({"type": "http", "headers": headers}, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("parts", "headers", "status"),
    [
        ([b"x" * 10], [(b"content-length", b"10")], 200),
        ([b"x"], [(b"content-length", b"11")], 413),
        ([b"x" * 6, b"y" * 5], [], 413),
        ([b"x" * 6, b"y" * 5], [(b"content-length", b"2")], 413),
    ],
)
def test_bytes_are_counted_whatever_the_headers_say(parts: list[bytes], headers: list[tuple[bytes, bytes]], status: int) -> None:
    assert status_of(parts, headers) == status
