"""Asking one address as one person, without a trace: what they get, and whether a refusal changed anything."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client

OK, LOGIN = "ok", "login"
_FINE = {200, 201, 202, 204, 286}
_REFUSED = {LOGIN, "401", "403", "404", "405"}
_WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM) \"(\w+)\"")
_SAVEPOINT, _ROLLBACK = re.compile(r'SAVEPOINT "(\w+)"'), re.compile(r'ROLLBACK TO SAVEPOINT "(\w+)"')
_NOTED = {"django_session", "accounts_apitoken"}
"""Written whatever is answered: where one is, when a token was last used."""


@dataclass(frozen=True)
class Request:
    """One request of the matrix.

    Attributes:
        method: of HTTP.
        route: the address as the table of addresses has it, with the names of what varies.
        path: a real one.
        label: what is asked, where one address does several things.
        data: of the form (octets are files), or the body.
        kind: content type of a body that is no form.
        here: the person's current project is the one in question; otherwise another one, where they are admin.
    """

    method: str
    route: str
    path: str
    label: str = ""
    data: Any = None
    kind: str = ""
    here: bool = False
    headers: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """As the table has it."""
        return f"{self.method} {self.route}" + (f" {self.label}" if self.label else "")


@dataclass(frozen=True)
class Seen:
    """What somebody got: the outcome, as the table has it; the answer's status and text; tables written; number of queries."""

    outcome: str
    status: int
    text: str
    written: frozenset[str]
    queries: int

    @property
    def wrote_though_refused(self) -> bool:
        """Whether the person was refused, and something changed nevertheless."""
        return self.outcome in _REFUSED and bool(self.written)


def ask(client: Client, request: Request, **headers: str) -> Seen:
    """Send it, then take back all that it did to the database."""
    sent: list[str] = []

    def noting(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        sent.append(sql)
        return execute(sql, *rest)

    with transaction.atomic():
        with connection.execute_wrapper(noting):
            answer = _send(client, request, {**request.headers, **headers})
            text = _text(answer)
        transaction.set_rollback(True)
    found = _written(sent)
    return Seen(_outcome(answer), answer.status_code, text, frozenset(found - _NOTED), len(sent))


def _written(sent: list[str]) -> set[str]:
    """The tables that were written to; what was rolled back at once does not count."""
    found: list[str] = []
    begun: dict[str, int] = {}
    for sql in sent:
        if match := _SAVEPOINT.match(sql):
            begun[match[1]] = len(found)
        elif match := _ROLLBACK.match(sql):
            del found[begun[match[1]] :]
        elif match := _WRITES.match(sql):
            found.append(match[2])
    return set(found)


def _send(client: Client, request: Request, headers: dict[str, str]) -> HttpResponseBase:
    known: dict[str, Any] = {"headers": headers}
    if request.kind:
        known |= {"content_type": request.kind}
    if request.kind or request.method not in ("GET", "POST"):
        return client.generic(request.method, request.path, request.data or "", **known)
    if request.method == "POST":
        return client.post(request.path, {name: _file(name, value) for name, value in (request.data or {}).items()}, **known)
    return client.get(request.path, **known)


def _file(name: str, value: Any) -> Any:
    return SimpleUploadedFile(f"{name}.csv", value) if isinstance(value, bytes) else value


def _outcome(answer: HttpResponseBase) -> str:
    if answer.status_code in (301, 302):
        return LOGIN if re.match(r"(/admin)?/login\b", answer["Location"]) else OK
    return OK if answer.status_code in _FINE else str(answer.status_code)


def _text(answer: Any) -> str:
    content = b"".join(answer) if answer.streaming and not answer.is_async else b"" if answer.streaming else answer.content
    return str(content.decode("utf-8", "replace"))
