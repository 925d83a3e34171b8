"""The real ASGI application behind a real server, in this process and on the test's database; and a reader of its streams."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application

from webapp.accounts.tokens import issue_token

PATIENCE = 20.0
"""Seconds after which something that should have come has not."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def token_of(user: User) -> str:
    """A fresh token."""
    return issue_token(user, "test", 1)[1]


@dataclass(frozen=True)
class Live:
    """A server on ``port``."""

    port: int

    def open(self, user: User, path: str, **headers: str) -> http.client.HTTPResponse:
        """The answer to a GET as ``user``, of which only the head may be there."""
        return self.open_with(token_of(user), path, **headers)

    def open_with(self, token: str, path: str, **headers: str) -> http.client.HTTPResponse:
        """The same for a token, without asking the database in this thread."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(
            "GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {token}", "Connection": "close", **headers}
        )
        return connection.getresponse()

    def status(self, user: User, path: str, **headers: str) -> int:
        """Of the answer to a GET as ``user``."""
        with self.open(user, path, **headers) as answer:
            answer.read()
            return answer.status

    def get(self, user: User, path: str) -> Any:
        """The whole answer to a GET as ``user``."""
        with self.open(user, path) as answer:
            body = answer.read()
            assert answer.status == 200, body
            return json.loads(body)


@contextmanager
def live_asgi() -> Iterator[Live]:
    """Start the server; stop it in the end."""
    config = uvicorn.Config(get_asgi_application(), host="127.0.0.1", port=0, log_level="warning", lifespan="off", ws="none")
    server = _Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    assert server.ready.wait(PATIENCE)
    try:
        yield Live(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


@dataclass(frozen=True)
class Message:
    """A server-sent event."""

    id: str
    event: str
    data: Any


def messages(answer: http.client.HTTPResponse) -> Iterator[Message]:
    """The events of a stream as they come, until it ends."""
    known: dict[str, str] = {}
    for line in iter(answer.readline, b""):
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            known[name] = value
        elif "event" in known:
            yield Message(known.get("id", ""), known["event"], json.loads(known["data"]))
            known = {}
        else:
            known = {}
