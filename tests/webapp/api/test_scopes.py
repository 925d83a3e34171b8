"""What a token of each scope may do; roles are asked for elsewhere."""

import re
from typing import Any

import pytest
from django.test import Client

from tests.webapp.api.test_runs import error, get, headers, post
from tests.webapp.people import People, make_run
from webapp.accounts.models import Scope
from webapp.datasets.models import Version


def ask(people: People, scope: Scope, method: str, address: str, body: dict[str, Any] | None = None) -> Any:
    given = {"content_type": "application/json"} if method != "get" else {}
    return getattr(Client(), method)(address, body, headers=headers(people.alice, scope), **given)


@pytest.mark.parametrize("scope", Scope)
def test_the_matrix(people: People, version: Version, scope: Scope) -> None:
    run = make_run(version, "succeeded")
    launch = {"version": version.pk, "preset": "popularity"}
    asked: list[tuple[Scope, str, str, dict[str, Any] | None, int]] = [
        (Scope.READ, "get", f"/api/v1/runs/{run.pk}", None, 200),
        (Scope.READ, "get", "/api/v1/runs", None, 200),
        (Scope.LAUNCH, "post", "/api/v1/runs", launch, 201),
        (Scope.LAUNCH, "post", f"/api/v1/runs/{run.pk}/cancel", None, 422),
        (Scope.LAUNCH, "post", "/api/v1/uploads", {"files": []}, 422),
        (Scope.CURATE, "delete", f"/api/v1/versions/{version.pk}", None, 422),
    ]
    for needed, method, address, body, status in asked:
        answer = ask(people, scope, method, address, body)
        if scope.covers(needed):
            assert answer.status_code == status, (method, address, answer.content)
        else:
            said = error(answer, 403)
            assert said["code"] == "scope_missing"
            assert f"a token of the scope {needed.value}; yours has the scope {scope.value}" in said["message"]


def test_each_scope_covers_those_before_it() -> None:
    assert [[scope.covers(needed) for needed in Scope] for scope in Scope] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


def test_the_role_still_limits(people: People, version: Version) -> None:
    said = error(post(people.bob, "/api/v1/runs", {"version": version.pk, "preset": "popularity"}), 403)
    assert (said["code"], "role researcher" in said["message"]) == ("forbidden", True)
    assert get(people.charlie, f"/api/v1/runs/{make_run(version).pk}").status_code == 404


def test_the_profile_page_offers_and_shows_the_scope(alice: Client, people: People) -> None:
    page = alice.get("/profile").content.decode()
    assert re.search(r'<option value="launch" selected>', page)
    alice.post("/profile", {"name": "reader", "scope": "read", "days": "30"})
    assert people.alice.api_tokens.get().scope == Scope.READ
    assert "<td>read<td>" in alice.get("/profile").content.decode()
    alice.post("/profile", {"name": "wrong", "scope": "everything-and-more", "days": "30"})
    assert people.alice.api_tokens.count() == 1


def test_the_document_says_the_scope_of_each_operation(visitor: Client) -> None:
    paths = visitor.get("/api/v1/openapi.json").json()["paths"]
    operations = [(method, details) for methods in paths.values() for method, details in methods.items()]
    assert all(details["x-scope"] in Scope.values for _, details in operations)
    said = {details["operationId"]: details["x-scope"] for _, details in operations}
    assert (said["get_run"], said["launch_run"], said["delete_version"]) == ("read", "launch", "curate")
