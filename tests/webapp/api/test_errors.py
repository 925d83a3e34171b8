"""Every error has one shape, a code that stays, and the request's id; nothing that is sent makes an answer 500."""

import json
from typing import Any

import pytest
from django.db import DataError, InterfaceError, OperationalError
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as some

from engine.errors import SpecError, UserError
from tests.webapp.api.asking import ask, refused
from tests.webapp.api.test_runs import headers
from tests.webapp.people import People, make_run
from webapp.api import errors
from webapp.api.errors import CODES
from webapp.datasets.models import Version

KEYS = {"code", "message", "hint", "field", "problems", "request_id", "reference"}


@pytest.fixture
def script(people: People) -> Client:
    """A client with a token of Alice's."""
    return Client(headers=headers(people.alice))


def shape(response: Any, status: int, code: str) -> dict[str, Any]:
    """The error, which must be whole."""
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    answer = response.json()
    assert set(answer) == {"error"}
    body: dict[str, Any] = answer["error"]
    assert set(body) == KEYS
    assert (body["code"], body["request_id"]) == (code, response["X-Request-ID"])
    assert body["code"] in CODES
    assert body["message"]
    return body


def send(client: Client, body: bytes | str, address: str = "/api/v1/runs") -> Any:
    return client.post(address, body, content_type="application/json")


def test_what_is_not_there(script: Client, visitor: Client) -> None:
    shape(script.get("/api/v1/runs/999999"), 404, "not_found")
    shape(visitor.get("/api/v1/nothing/here"), 404, "not_found")
    shape(visitor.get("/api/v1/runs/1"), 401, "unauthenticated")
    refused = script.patch("/api/v1/runs")
    shape(refused, 405, "method_not_allowed")
    assert set(refused["Allow"].split(", ")) >= {"GET", "POST"}


def test_wrong_values_are_named(script: Client, version: Version) -> None:
    body = {"version": version.pk, "preset": "sasrec", "settings": {"training.epochs": 0}}
    said = shape(script.post("/api/v1/runs", body, content_type="application/json"), 422, "invalid")
    assert said["field"] == "training.epochs"
    assert said["problems"] == [{"field": "training.epochs", "message": "got 0, must be 1 or more"}]
    said = shape(script.get("/api/v1/runs?limit=0"), 422, "invalid")
    assert said["field"] == "limit"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "line 1 column 2"),
        (b'{"preset": "\xff"}', "not UTF-8: octet 12"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b'{"version": NaN}', "NaN is not JSON"),
        (b'{"version": -Infinity}', "-Infinity is not JSON"),
        (b'{"version": ' + b"9" * 5000 + b"}", "too many digits"),
    ],
)
def test_what_is_no_json(script: Client, body: bytes, words: str) -> None:
    assert words in shape(send(script, body), 400, "malformed")["message"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"version": 1e400, "preset": "sasrec"}',
        b'{"version": ' + b"9" * 400 + b', "preset": "sasrec"}',
        b'{"version": 1.5, "preset": "sasrec"}',
        b'{"version": 1, "preset": "a\\u0000b"}',
        b'{"version": 1, "preset": "\\ud800"}',
        b'{"version": 1, "preset": "sasrec", "settings": {"\\udfff": 1}}',
        b'{"version": true, "preset": []}',
        b"null",
        b"7",
        b"",
    ],
)
def test_odd_values_are_the_senders_mistake(script: Client, body: bytes) -> None:
    response = send(script, body)
    assert response.status_code in (404, 422), response.content
    shape(response, response.status_code, "invalid" if response.status_code == 422 else "not_found")


def test_a_surrogate_pair_is_text(script: Client) -> None:
    shape(send(script, b'{"version": 1, "preset": "\\ud83e\\udd8a"}'), 404, "not_found")


def test_a_body_that_is_too_large(script: Client) -> None:
    for more in ({}, {"Idempotency-Key": "k"}):
        body = json.dumps({"preset": "x" * 3_000_000})
        response = script.post("/api/v1/runs", body, content_type="application/json", headers=more)
        shape(response, 413, "too_large")


_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@limits(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(version=_JSON, preset=_JSON, settings=_JSON)
def test_no_json_makes_a_fault(script: Client, version: Any, preset: Any, settings: Any) -> None:
    response = send(script, json.dumps({"version": version, "preset": preset, "settings": settings}))
    assert 400 <= response.status_code < 500, response.content
    shape(response, response.status_code, response.json()["error"]["code"])


@pytest.mark.parametrize("query", ["state=%00", "method=%00", "method=%ff", "limit=9" * 30, "limit=" + "9" * 30, "limit=NaN"])
def test_odd_queries(script: Client, query: str) -> None:
    shape(script.get(f"/api/v1/runs?{query}"), 422, "invalid")


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (UserError("Wrong.", "Do it right."), 422, "invalid"),
        (SpecError([("a.b", "is wrong")]), 422, "invalid"),
        (errors.ConflictError("Somebody else."), 409, "conflict"),
        (errors.NotReadyError("Wait."), 409, "not_ready"),
        (DataError("integer out of range"), 422, "invalid"),
        (OperationalError("server closed the connection"), 503, "unavailable"),
        (InterfaceError("connection already closed"), 503, "unavailable"),
        (RuntimeError("secret detail"), 500, "internal"),
    ],
)
def test_each_kind_has_its_code(
    script: Client, version: Version, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int, code: str
) -> None:
    def broken(*arguments: object) -> None:
        raise raised

    monkeypatch.setattr("webapp.api.told.get_run_to_tell", broken)
    response = script.get(f"/api/v1/runs/{make_run(version).pk}")
    said = shape(response, status, code)
    assert "secret detail" not in response.content.decode()
    assert bool(said["reference"]) == (status == 500)
    assert response["Cache-Control"] == "no-store"


def test_an_unknown_host_is_answered_in_the_shape(visitor: Client) -> None:
    response = visitor.get("/api/v1/runs", headers={"Host": "elsewhere.example.org"})
    shape(response, 400, "malformed")
    assert visitor.get("/", headers={"Host": "elsewhere.example.org"}).status_code == 400


def test_every_status_that_is_answered_is_in_the_document(visitor: Client) -> None:
    document = visitor.get("/api/v1/openapi.json").json()
    for methods in document["paths"].values():
        for details in methods.values():
            for status in ("400", "401", "403", "404", "422", "429", "500", "503"):
                schema = details["responses"][status]["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorOut"}
    assert set(document["components"]["schemas"]["ErrorBody"]["properties"]) == KEYS
    assert all(f"`{code}`" in document["info"]["description"] for code in CODES)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/runs", {"version": 7, "preset": "sasrec", "acknowledge_leakage": 0}, "acknowledge_leakage"),
        ("/runs", {"version": True, "preset": "sasrec"}, "version"),
        ("/runs", {"version": "7", "preset": "sasrec"}, "version"),
        ("/runs/7/extend", {"minutes": True}, "minutes"),
    ],
)
def test_nothing_is_taken_for_another_type(people: People, path: str, body: dict[str, Any], field: str) -> None:
    answer = ask(people.alice, "post", path, body)
    assert answer.status_code == 422, answer.content
    assert answer.json()["error"]["field"] == field


def test_a_body_is_an_object(people: People, version: Version) -> None:
    run = make_run(version)
    for body in ([], [None, None], "text", 7, True):
        assert "no JSON object" in refused(ask(people.alice, "patch", f"/runs/{run.pk}", body), 422)
