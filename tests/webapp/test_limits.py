import asyncio
import json
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


def answer_to(parts: list[bytes], headers: list[tuple[bytes, bytes]], path: str = "/") -> list[Any]:
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": part, "more_body": part is not parts[-1]} for part in parts]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(limit_bodies(echo, LIMIT)({"type": "http", "path": path, "headers": headers}, receive, send))
    return sent


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
    assert answer_to(parts, headers)[0]["status"] == status


def test_scripts_are_refused_in_the_shape_of_the_api() -> None:
    start, body = answer_to([b"x"], [(b"content-length", b"11")], "/api/v1/uploads")
    said, sent = json.loads(body["body"])["error"], dict(start["headers"])
    assert (said["code"], "UPLOAD_LIMIT_MB" in said["hint"]) == ("too_large", True)
    assert sent[b"content-type"] == b"application/json"
    assert sent[b"x-request-id"].decode() == said["request_id"]
