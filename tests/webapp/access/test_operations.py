"""Who may do what by REST: ``operations.txt`` is the whole of it, for tokens of all roles and scopes."""

import json
import re
import uuid
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.webapp.access import table
from tests.webapp.access.cast import ANONYMOUS, COLUMNS, MEMBERS, OUTSIDERS, STRANGER, Cast, gather
from tests.webapp.access.walking import Request, Seen, ask
from tests.webapp.api.test_every_operation import OPERATIONS, Planted, right_request
from tests.webapp.people import People
from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token
from webapp.delivering.promoting import promote_run
from webapp.experiments.models import Run

TABLE = "operations.txt"
SECRET = "Nobody-elses-business"
SCOPED = {f"admin's {scope.value}": scope for scope in Scope if scope is not Scope.ADMIN}
"""Tokens of the project's admin, of each scope but the widest, which everybody else's token has."""
ALL = (*COLUMNS, *SCOPED)
_OUTSIDE = {"accounts_idempotentrequest", "accounts_failedtry"}
_ELSEWHERE = {"begin_upload"}


@pytest.fixture
def cast(db: None, settings: Settings) -> Cast:
    settings.SERVE_WAIT_SECONDS = settings.READY_WAIT_SECONDS = 0.0
    settings.API_RATE_PER_MINUTE = 0
    return gather(SECRET)


@pytest.fixture
def requests(cast: Cast) -> list[Request]:
    """Each operation of the document, and what there is below /api and /metrics that is none."""
    planted = Planted(People(cast.users["creator"], cast.users["viewer"], cast.users[STRANGER], cast.project))
    run = Run.objects.get(pk=planted.ids["run_id"])
    Run.objects.filter(pk=run.pk).update(folder_key="runs/asked")
    for name in ("result.json", "ranks_test.parquet"):
        default_storage.save(f"runs/asked/{name}", ContentFile(b"{}"))
    promote_run(run, cast.users["owner"])
    found = []
    for method, path, operation in OPERATIONS:
        address, body = right_request(path, operation, planted)
        known: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "kind": "application/json"}
        found.append(Request(method.upper(), path, address, operation["operationId"], **known))
    others = {"/metrics": "numbers of the site", "/api/v1/openapi.json": "the document", "/api/v1/docs": "its page"}
    return [*found, *(Request("GET", path, path, label) for path, label in others.items())]


def bearer(cast: Cast, who: str, scope: Scope = Scope.ADMIN) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_token(cast.users[who], 'test', 1, scope)[1]}"}


def test_the_matrix(cast: Cast, requests: list[Request]) -> None:
    tokens = {who: bearer(cast, who) for who in COLUMNS if who != ANONYMOUS} | {ANONYMOUS: {}}
    tokens |= {who: bearer(cast, "admin", scope) for who, scope in SCOPED.items()}
    found: table.Rows = {}
    for request in requests:
        seen = {who: ask(_client(), request, **tokens[who]) for who in ALL}
        found[request.name] = {who: one.outcome for who, one in seen.items()}
        for who, one in seen.items():
            _check(request, who, one)
    table.compare(TABLE, found, ALL)


def _client() -> Client:
    return Client(raise_request_exception=False)


def _check(request: Request, who: str, seen: Seen) -> None:
    said = f"{request.name} as {who}"
    assert seen.status != 500, said
    assert not seen.wrote_though_refused or seen.written <= _OUTSIDE, f"{said}: refused, but wrote {set(seen.written)}"
    if who in OUTSIDERS:
        assert SECRET not in seen.text, said
        if request.label not in _ELSEWHERE:
            assert seen.written <= _OUTSIDE, f"{said}: wrote {set(seen.written)}"


def test_a_token_may_what_both_its_scope_and_its_person_may(cast: Cast, requests: list[Request]) -> None:
    expected = table.read(TABLE)
    for scope in SCOPED.values():
        for who in (STRANGER, *MEMBERS):
            token = bearer(cast, who, scope)
            for request in requests:
                row = expected[request.name]
                narrowed = row[f"admin's {scope.value}"] == "403"
                must_be = "403" if narrowed else row[who]
                seen = ask(_client(), request, **token)
                assert seen.outcome == must_be, f"{request.name} as {who} with a token of the scope {scope.value}"


def test_tokens_that_are_not_valid_open_nothing(cast: Cast, requests: list[Request]) -> None:
    owner = cast.users["owner"]
    revoked, expired, left = (issue_token(owner, "test", 1, Scope.ADMIN) for _ in range(3))
    type(revoked[0]).objects.filter(pk=revoked[0].pk).update(revoked_at=timezone.now())
    type(expired[0]).objects.filter(pk=expired[0].pk).update(expires_at=timezone.now())
    wrong = revoked[1][:-1] + ("x" if revoked[1][-1] != "x" else "y")
    texts = {"revoked": revoked[1], "expired": expired[1], "wrong": wrong, "empty": "", "no token": "darec_"}
    public = {name for name, row in table.read(TABLE).items() if row[ANONYMOUS] == "ok"}
    for request in requests:
        if request.name not in public:
            for what, text in texts.items():
                assert ask(_client(), request, Authorization=f"Bearer {text}").outcome == "401", f"{request.name}: {what}"
            assert ask(_client(), request, Authorization=f"Basic {left[1]}").outcome == "401", request.name
    owner.is_active = False
    owner.save()
    for request in requests:
        if request.name not in public:
            assert ask(_client(), request, Authorization=f"Bearer {left[1]}").outcome == "401", request.name


def test_a_session_is_no_token(cast: Cast, requests: list[Request]) -> None:
    """Nothing below /api trusts cookies, so that no page from elsewhere can use them."""
    expected = table.read(TABLE)
    for request in requests:
        assert ask(cast.client("owner", here=True), request).outcome == expected[request.name][ANONYMOUS], request.name


def test_what_is_anothers_answers_like_what_is_not_there(cast: Cast) -> None:
    """The same status, the same words, the same number of questions to the database."""
    planted = Planted(People(cast.users["creator"], cast.users["viewer"], cast.users[STRANGER], cast.project))
    theirs = dict(planted.ids)
    nowhere = {name: 999_999_999 if isinstance(value, int) and name != "number" else value for name, value in theirs.items()}
    nowhere |= {"key": str(uuid.uuid4()), "runs": "999999999"}
    token, asked = bearer(cast, STRANGER), 0
    for method, path, operation in OPERATIONS:
        seen = []
        for ids in (theirs, nowhere):
            planted.ids = ids
            address, body = right_request(path, operation, planted)
            known: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "kind": "application/json"}
            seen.append(ask(_client(), Request(method.upper(), path, address, **known), **token))
        there, absent = seen
        if "{" in path or there.outcome == "404":
            name = operation["operationId"]
            assert (there.outcome, absent.outcome) == ("404", "404") or there.outcome == absent.outcome == "422", name
            assert _plain(there.text) == _plain(absent.text), name
            assert there.queries == absent.queries, name
            asked += 1
    assert asked > 40


def _plain(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\d+", "#", text)
