"""What the document promises about each operation: examples that are true to the schemas, and no fault on odd addresses."""

import re
from typing import Any

import pytest
from django.test import Client

from tests.webapp.api.test_runs import headers
from tests.webapp.people import People
from webapp.api.api import api
from webapp.api.document import EXAMPLES

ODD = ["0", "-1", "9" * 30, "1.5", "nan", "%00", "%ff", "a" * 300, "..%2f..", "00000000-0000-0000-0000-000000000000", "'%22;--"]
BODIES = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"7",
    b'"x"',
    b'{"files": [{"role": "interactions", "name": "a", "size": ' + b"9" * 30 + b"}]}",
]


def operations() -> dict[str, tuple[str, str]]:
    """Method and address of each operation, by its id."""
    paths = api.get_openapi_schema()["paths"]
    return {details["operationId"]: (method, path) for path, methods in paths.items() for method, details in methods.items()}


@pytest.mark.parametrize("operation", sorted(operations()))
def test_odd_addresses_and_bodies_are_no_fault(people: People, operation: str) -> None:
    method, path = operations()[operation]
    client = Client(headers=headers(people.alice))
    for odd in ODD:
        address = re.sub(r"\{\w+\}", odd, path)
        for body in BODIES if method != "get" else [b""]:
            given = {"data": body, "content_type": "application/json"} if method != "get" else {}
            response = getattr(client, method)(address, **given)
            assert response.status_code < 500, (method, address, body, response.content)
            if response.status_code >= 400:
                assert response.json()["error"]["code"], address
        if "{" not in path:
            return


def test_examples_are_of_operations_that_there_are() -> None:
    assert set(EXAMPLES) <= set(operations())


@pytest.mark.parametrize("operation", sorted(EXAMPLES))
def test_an_example_is_what_the_operation_takes_and_gives(operation: str) -> None:
    found = next(one for one in api._operations() if one.operation_id == operation)
    example = EXAMPLES[operation]
    if example["request"] is not None:
        bodies: list[Any] = [model for model in found.models if model.__ninja_param_source__ == "body"]
        (body,) = bodies
        (name,) = body.model_fields
        body.model_validate({name: example["request"]})
    if example["response"] is not None:
        model = found.response_models[min(found.response_models)]
        model.model_validate({"response": example["response"]})


def test_the_document_shows_the_examples() -> None:
    paths = api.get_openapi_schema()["paths"]
    for operation, example in EXAMPLES.items():
        method, path = operations()[operation]
        details = paths[path][method]
        if example["request"] is not None:
            assert details["requestBody"]["content"]["application/json"]["example"] == example["request"]
        if example["response"] is not None:
            best = details["responses"][min(details["responses"])]
            assert best["content"]["application/json"]["example"] == example["response"]


def test_each_operation_says_what_it_does_and_who_may() -> None:
    document = api.get_openapi_schema()
    assert document["servers"] == [{"url": "/", "description": "this site"}]
    scheme = document["components"]["securitySchemes"]["TokenAuth"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for methods in document["paths"].values():
        for method, details in methods.items():
            assert details["description"]
            assert details["security"] == [{"TokenAuth": []}]
            assert (304 in details["responses"]) == (method == "get")
