"""Who may do what on the pages: ``pages.txt`` is the whole of it."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import resolve, reverse
from pytest_django import Settings

from tests.webapp.access import table
from tests.webapp.access.cast import COLUMNS, OUTSIDERS, STRANGER, Cast, gather
from tests.webapp.access.pages import every_route, page_requests
from tests.webapp.access.walking import LOGIN, Request, Seen, ask

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TABLE = "pages.txt"
SECRET = "Nobody-elses-business"
"""In each name and text of the project."""
_TELLS = ("/join/",)
"""What people outside may see of a project: an invitation says to which one it is."""
_OUTSIDE = re.compile(r"accounts_|audit_|notices_|experiments_runcolumns|auth_user$")
"""Tables that people outside the project may write to: what is their own."""
_ELSEWHERE = {"POST /datasets/uploads a new dataset", "POST /datasets/new", "GET /readyz"}
"""What they may make, in projects of their own; and the question whether a worker answers."""


@pytest.fixture
def cast(db: None, settings: Settings) -> Cast:
    settings.SERVE_WAIT_SECONDS = settings.READY_WAIT_SECONDS = 0.0
    return gather(SECRET)


def test_the_matrix(cast: Cast) -> None:
    found: table.Rows = {}
    for request in page_requests(cast):
        seen = {who: ask(cast.client(who, here=request.here), request) for who in COLUMNS}
        assert request.name not in found, f"asked twice: {request.name}"
        found[request.name] = {who: one.outcome for who, one in seen.items()}
        for who, one in seen.items():
            _check(request, who, one)
    table.compare(TABLE, found, COLUMNS)


def _check(request: Request, who: str, seen: Seen) -> None:
    said = f"{request.name} as {who}"
    assert seen.status != 500, said
    assert not seen.wrote_though_refused, f"{said}: refused, but wrote {set(seen.written)}"
    if who in OUTSIDERS and not request.path.startswith(_TELLS):
        assert SECRET not in seen.text, said
        if request.name not in _ELSEWHERE:
            assert not [table for table in seen.written if not _OUTSIDE.match(table)], f"{said}: wrote {set(seen.written)}"


def test_no_address_is_forgotten() -> None:
    listed = {row.split()[1] for row in table.read(TABLE)}
    others = {route for route in every_route() if route.startswith(("/api/", "/admin/"))}
    assert listed == set(every_route()) - others


def test_what_is_asked_by_htmx_is_for_the_same_people(cast: Cast) -> None:
    expected = table.read(TABLE)
    for request in page_requests(cast):
        for who in ("anonymous", STRANGER, "viewer"):
            seen = ask(cast.client(who, here=request.here), request, **{"HX-Request": "true"})
            assert seen.outcome == expected[request.name][who], f"{request.name} as {who}"
            _check(request, who, seen)


def test_methods_that_the_table_does_not_name_are_refused(cast: Cast) -> None:
    requests = {(request.method, request.route): request for request in page_requests(cast)}
    first = {request.route: request for request in reversed(requests.values())}
    for route, known in first.items():
        for method in METHODS:
            if (method, route) in requests or route.endswith("/"):
                continue
            for who in ("anonymous", "viewer", "owner"):
                seen = ask(cast.client(who, here=True), Request(method, route, known.path, here=True))
                # Whoever is signed in is sent on from the login page, whatever the method.
                refused = ("405", LOGIN, "ok") if route == "/login" and who != "anonymous" else ("405", LOGIN)
                assert seen.outcome in refused, f"{method} {route} as {who}: {seen.outcome}"
                assert not seen.written, f"{method} {route} as {who}"


def test_every_unsafe_request_needs_its_csrf_token(cast: Cast) -> None:
    asked = 0
    for request in page_requests(cast):
        if request.method == "GET":
            continue
        client = cast.client("owner", here=request.here)
        careful = Client(enforce_csrf_checks=True)
        careful.cookies = client.cookies
        seen = ask(careful, request)
        assert (seen.status, seen.written) == (403, frozenset()), request.name
        assert "no longer valid" in seen.text, request.name
        asked += 1
    assert asked > 80


def test_what_is_anothers_answers_like_what_is_not_there(cast: Cast) -> None:
    """The same status, the same words, the same number of questions to the database."""
    asked = 0
    for request in page_requests(cast):
        nowhere = _nowhere(request.path)
        if nowhere == request.path:
            continue
        absent = Request(request.method, request.route, nowhere, request.label, request.data, request.kind)
        for who in (STRANGER, "staff"):
            theirs, none = ask(cast.client(who, here=False), request), ask(cast.client(who, here=False), absent)
            assert theirs.outcome == none.outcome == "404", f"{request.name} as {who}"
            assert _plain(theirs.text) == _plain(none.text), f"{request.name} as {who}"
            assert theirs.queries == none.queries, f"{request.name} as {who}"
        asked += 1
    assert asked > 100


def _nowhere(path: str) -> str:
    """The same address of a thing that is not there."""
    address, _, query = path.partition("?")
    match = resolve(address)
    changed, kwargs = False, dict(match.kwargs)
    for name, value in kwargs.items():
        if isinstance(value, int | uuid.UUID) and not changed:
            kwargs[name], changed = (999_999_999 if isinstance(value, int) else uuid.uuid4()), True
    if changed:
        return reverse(match.view_name, kwargs=kwargs) + (f"?{query}" if query else "")
    return address + ("?" + re.sub(r"(runs|version)=[0-9,]+", r"\1=999999999", query) if query else "")


def _plain(text: str) -> str:
    """Without what differs between any two answers: ids and tokens."""
    text = re.sub(r'value="\w{64}"|"X-CSRFToken": "\w{64}"', "TOKEN", text)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\d+(,\d+)*", "#", text)
