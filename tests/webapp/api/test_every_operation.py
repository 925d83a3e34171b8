"""Every operation of the document, as each role and as a stranger, with right, odd and extreme input.

No 500, no status that the document does not name, nothing of another's project. The input is made from the document, by chance
with fixed seeds; nothing here names an operation, so that a new one is asked from its first day.
"""

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from ninja import Schema
from pydantic import BaseModel
from pytest_django import DjangoAssertNumQueries, Settings

from tests.webapp.api.asking import headers
from tests.webapp.curation.rows import copy_items
from tests.webapp.people import People, finish, make_run, make_version, report
from tests.webapp.searches.planting import make_search, plant
from webapp.api.api import api
from webapp.curation.drafts import NewEdit, put_edits
from webapp.curation.models import EditKind
from webapp.datasets.asking import ask_about
from webapp.datasets.models import QuestionKind, Version
from webapp.datasets.uploads import Announced, begin_upload
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.models import Run
from webapp.searches.models import Search
from webapp.serving.models import Ask, AskKind

DOCUMENT = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))
OPERATIONS = [(method, path, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()]
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]
SECRET = "Nobody-elses-business"
TEXTS = (
    "",
    "x",
    "0",
    "-1",
    "\x00",
    "\ud800",
    "\u202e",
    "'; DROP TABLE",
    "../../etc",
    "%",
    "a" * 3000,
    "1.1",
    "[null, 5]",
    "null",
)
NUMBERS = (0, 1, -1, 2, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**40, 0.5, -0.0, 1e308)
ROUNDS = 12


class Planted:
    """Something of everything, all of it Alice's."""

    def __init__(self, people: People) -> None:
        version = make_version(people, SECRET)
        run = finish(make_run(version))
        report(run, 2)
        search = make_search(version)
        plant(search, 4, 3)
        upload = begin_upload(people.project, people.alice, [Announced("interactions", "a.csv", 4)], None, "New")
        question = ask_about(version, people.alice, QuestionKind.PREVIEW, {"filters": {}})
        copy_items(version, SECRET)
        draft = put_edits(version, people.alice, [NewEdit(EditKind.CHANGE, "a", {"title": SECRET})])
        asked = Ask.objects.create(run=run, kind=AskKind.RECOMMEND, question={}, asked_by=people.alice)
        lists = UserLists.objects.create(run=run, form="csv", k=3, state=ListsState.MAKING)
        self.ids: dict[str, Any] = {
            "run_id": run.pk,
            "search_id": search.pk,
            "version_id": version.pk,
            "version": version.pk,
            "other_id": version.pk,
            "dataset_id": version.dataset_id,
            "project_id": people.project.pk,
            "project": people.project.pk,
            "dataset": version.dataset_id,
            "key": str(upload.key),
            "preview_id": question.pk,
            "ask_id": asked.pk,
            "edit_id": draft.edits.get().pk,
            "lists_id": lists.pk,
            "runs": str(run.pk),
            "role": "interactions",
            "number": 0,
            "name": "result.json",
            "format": "csv",
        }


@pytest.fixture
def planted(people: People, settings: Settings) -> Planted:
    settings.SERVE_WAIT_SECONDS = 0.0
    return Planted(people)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_a_stranger_sees_nothing(people: People, planted: Planted, method: str, path: str, operation: dict[str, Any]) -> None:
    address, body = right_request(path, operation, planted)
    answer = _send(people.charlie, method, address, body)
    _check(answer, operation)
    of_an_object = "{" in path or "version" in json.dumps(body) or "runs=" in address or "project=" in address
    if of_an_object:
        assert answer.status_code in (404, 422), _text(answer)
    assert SECRET not in _text(answer)
    assert _send(None, method, address, body).status_code == 401


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_members_get_what_the_document_says(
    people: People,
    planted: Planted,
    method: str,
    path: str,
    operation: dict[str, Any],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    address, body = right_request(path, operation, planted)
    before = (Run.objects.count(), Search.objects.count(), Version.objects.count())
    answer = _send(people.bob, method, address, body)
    _check(answer, operation)
    # A viewer makes no runs, searches or versions, whatever is asked.
    assert (Run.objects.count(), Search.objects.count(), Version.objects.count()) == before
    if method == "get":
        # The first may have asked a worker, which takes more queries, once.
        with django_assert_max_num_queries(10):
            _check(_send(people.bob, method, address, body), operation)
    _check(_send(people.alice, method, address, body), operation)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_odd_and_extreme_input(people: People, planted: Planted, method: str, path: str, operation: dict[str, Any]) -> None:
    chance = random.Random(operation["operationId"])
    for turn in range(ROUNDS):
        address, body = (_near if turn % 2 else _odd)(path, operation, planted, chance)
        answer = _send(people.alice, method, address, body)
        _check(answer, operation, f"{address} {body!r}")


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_each_operation_is_described(method: str, path: str, operation: dict[str, Any]) -> None:
    assert len(operation["description"]) > 20
    for status in ("401", "403", "404", "422", "429", "500"):
        assert status in operation["responses"], f"{operation['operationId']} lacks {status}"
    schemas = [body for status, body in operation["responses"].items() if status.startswith("2")]
    bodies = [*schemas, operation["requestBody"]] if "requestBody" in operation else schemas
    for one in bodies:
        for content in one.get("content", {}).values():
            reference = content["schema"].get("items", content["schema"]).get("$ref")
            if reference:
                assert _resolve({"$ref": reference}).get("examples"), reference


def test_the_examples_are_right() -> None:
    checked = 0
    for model in _models(Schema):
        extra = model.model_config.get("json_schema_extra")
        for example in extra.get("examples", []) if isinstance(extra, dict) else []:  # type: ignore[union-attr]
            model.model_validate(example)
            checked += 1
    assert checked > 40


def _models(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in root.__subclasses__():
        yield model
        yield from _models(model)


def right_request(path: str, operation: dict[str, Any], planted: Planted) -> tuple[str, Any]:
    """A request that the document calls right, about Alice's things."""
    query = {}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(str(planted.ids[name]), safe=""))
        elif parameter["in"] == "query" and (parameter.get("required") or name in ("project", "runs")):
            query[name] = planted.ids[name]
    schema = _body_schema(operation)
    body = None
    if schema is not None:
        body = dict(schema["examples"][0])
        for name in ("version", "dataset", "project"):
            if name in body:
                body[name] = planted.ids[name]
    return f"{path}?{urlencode(query)}", body


def _near(path: str, operation: dict[str, Any], planted: Planted, chance: random.Random) -> tuple[str, Any]:
    """A right request, but for a value or two: so that more than the first check of each operation is reached."""
    address, body = right_request(path, operation, planted)
    optional = [one for one in operation.get("parameters", []) if one["in"] == "query" and one["name"] != "wait"]
    for parameter in chance.sample(optional, min(len(optional), chance.choice([0, 1, 2]))):
        value = _value(parameter["schema"], chance)
        address += "".join(f"&{parameter['name']}={_quoted(one)}" for one in (value if isinstance(value, list) else [value]))
    schema = _body_schema(operation)
    if body is not None and schema is not None:
        names = list(schema["properties"])
        for name in chance.sample(names, min(len(names), chance.choice([1, 1, 2]))):
            body[name] = _value(schema["properties"][name], chance)
    return address, body


def _odd(path: str, operation: dict[str, Any], planted: Planted, chance: random.Random) -> tuple[str, Any]:
    query: list[tuple[str, Any]] = []
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        known = [planted.ids[name]] if name in planted.ids else []
        value = chance.choice(known) if known and chance.random() < 0.6 else _value(parameter["schema"], chance)
        # Nobody waits here.
        value = 0 if name == "wait" and isinstance(value, int | float) and value > 0 else value
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", _quoted(value) or "x")
        elif parameter["in"] == "query" and (parameter.get("required") or chance.random() < 0.6):
            query += [(name, one) for one in value] if isinstance(value, list) else [(name, value)]
    schema = _body_schema(operation)
    body = None if schema is None else _value(schema, chance)
    if isinstance(body, dict):
        body |= {name: planted.ids[name] for name in ("version", "dataset", "project") if name in body and chance.random() < 0.7}
    return f"{path}?{'&'.join(f'{name}={_quoted(value)}' for name, value in query)}", body


def _value(schema: dict[str, Any], chance: random.Random, depth: int = 0) -> Any:
    """Something that the schema allows, or nearly: types, bounds and words of enumerations, and what lies just outside."""
    schema = _resolve(schema)
    if chance.random() < 0.05 or depth > 4:
        return chance.choice([None, [], {}, True, *TEXTS, *NUMBERS])
    if "anyOf" in schema:
        return _value(chance.choice(schema["anyOf"]), chance, depth + 1)
    if "enum" in schema:
        return chance.choice([*schema["enum"], "nope"])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        bounds = [schema[name] for name in ("minimum", "maximum", "exclusiveMinimum") if name in schema]
        near = [bound + step for bound in bounds for step in (-1, 0, 1)]
        return chance.choice([*near, *near, *NUMBERS])
    if kind == "boolean":
        return chance.choice([True, False])
    if kind == "array":
        return [_value(schema.get("items", {}), chance, depth + 1) for _ in range(chance.choice([0, 1, 2, 30]))]
    if kind == "object" and "properties" in schema:
        wanted = [name for name in schema["properties"] if name in schema.get("required", ()) or chance.random() < 0.6]
        return {name: _value(schema["properties"][name], chance, depth + 1) for name in wanted}
    if kind == "object":
        names = ("training.epochs", "core", "trials", "training.device", "method", "method.dim", "", "a.b.c", "\x00")
        return {chance.choice(names): chance.choice([*TEXTS, *NUMBERS, None, [], {}]) for _ in range(chance.choice([0, 1, 3]))}
    return chance.choice([*schema.get("examples", []), "sasrec", "search-nano", *TEXTS])


def _resolve(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    if len(schema.get("allOf", ())) == 1:
        return _resolve(schema["allOf"][0])
    return schema


def _body_schema(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else _resolve(content["schema"])


def _quoted(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict | list | bool | None) else str(value)
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _send(user: User | None, method: str, address: str, body: Any) -> Any:
    known: dict[str, Any] = {"headers": headers(user) if user else {}}
    if body is not None:
        known |= {"data": json.dumps(body), "content_type": "application/json"}
    return Client(raise_request_exception=False).generic(method.upper(), address, **known)


def _check(answer: Any, operation: dict[str, Any], said: str = "") -> None:
    """Documented, no fault of ours, and errors in their one shape."""
    text = _text(answer)
    assert answer.status_code != 500, f"{said} {text}"
    assert str(answer.status_code) in operation["responses"], f"{answer.status_code} {said} {text}"
    if answer.status_code >= 400:
        assert "message" in answer.json()["error"], text


def _text(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(content.decode("utf-8", "replace"))
