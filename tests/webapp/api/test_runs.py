from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.webapp.people import People, finish, make_run, make_version
from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token
from webapp.datasets.models import Version
from webapp.experiments.models import Run


def headers(user: User, scope: Scope = Scope.ADMIN) -> dict[str, str]:
    """A new token of ``user``, which may do all that the role allows, or less."""
    return {"Authorization": f"Bearer {issue_token(user, 'test', 1, scope)[1]}"}


def post(user: User, address: str, body: dict[str, Any] | None = None) -> Any:
    return Client().post(address, body, content_type="application/json", headers=headers(user))


def get(user: User, address: str) -> Any:
    return Client().get(address, headers=headers(user))


def test_get_run(people: People, version: Version) -> None:
    run = finish(make_run(version))
    response = get(people.bob, f"/api/v1/runs/{run.pk}")
    assert response.status_code == 200
    answer = response.json()
    assert answer["id"] == run.pk
    assert answer["state"] == "succeeded"
    assert answer["test"]["ndcg@10"] == 0.0571
    assert answer["protocol"]["seen"] == "remove"
    assert answer["dataset"] == "Beauty v1"
    assert answer["architecture"][0] == {"layer": 0, "kind": "lora", "target": "both", "rank": 8, "parameters": 12345}
    assert answer["samples"][0]["rank"] == 3.0
    assert answer["spec"]["method"]["id"] == "sasrec"


def test_list(people: People, version: Version) -> None:
    runs = [make_run(version), finish(make_run(version)), make_run(version, preset="popularity")]
    answer = get(people.alice, "/api/v1/runs").json()
    assert answer["count"] == 3
    assert [line["id"] for line in answer["items"]] == [run.pk for run in reversed(runs)]
    assert get(people.alice, "/api/v1/runs?state=succeeded").json()["count"] == 1
    assert get(people.alice, "/api/v1/runs?method=popularity").json()["count"] == 1
    assert len(get(people.alice, "/api/v1/runs?limit=1").json()["items"]) == 1
    assert get(people.charlie, "/api/v1/runs").json() == {"count": 0, "items": [], "next": ""}


def test_an_unknown_method_lists_those_that_exist(people: People) -> None:
    assert "sasrec" in error(get(people.alice, "/api/v1/runs?method=nope"), 422)["hint"]
    error(get(people.alice, "/api/v1/runs?method=%00"), 422)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_postgres_cannot_hold_is_the_senders_mistake(people: People, version: Version, text: str) -> None:
    body = {"version": version.pk, "preset": "darec-nano", "settings": {"method.text.instruction": text}}
    error(post(people.alice, "/api/v1/runs", body), 422)
    assert not Run.objects.exists()


def test_launch_and_cancel(people: People, version: Version) -> None:
    body = {"version": version.pk, "preset": "sasrec", "settings": {"training.epochs": 3}}
    response = post(people.alice, "/api/v1/runs", body)
    assert response.status_code == 201
    run = Run.objects.get()
    assert response.json()["id"] == run.pk
    assert run.spec["training"]["epochs"] == 3
    response = post(people.alice, f"/api/v1/runs/{run.pk}/cancel")
    assert response.json()["state"] == "cancelled"
    response = post(people.alice, f"/api/v1/runs/{run.pk}/cancel")
    assert response.status_code == 422
    assert "has ended already" in response.json()["error"]["message"]


def error(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    answer = response.json()
    assert set(answer) == {"error"}
    assert answer["error"]["message"]
    assert "hint" in answer["error"]
    body: dict[str, Any] = answer["error"]
    return body


@pytest.mark.parametrize("token", [None, "Bearer nonsense", "Bearer darec_x_y", "Basic YTpi"])
def test_401(version: Version, token: str | None) -> None:
    run = make_run(version)
    given = {"Authorization": token} if token else {}
    response = Client().get(f"/api/v1/runs/{run.pk}", headers=given)
    assert "profile page" in error(response, 401)["hint"]
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_session_is_no_token(alice: Client, version: Version) -> None:
    error(alice.get(f"/api/v1/runs/{make_run(version).pk}"), 401)


def test_403_for_a_viewer(people: People, version: Version) -> None:
    run = make_run(version)
    body = {"version": version.pk, "preset": "sasrec"}
    assert "role researcher" in error(post(people.bob, "/api/v1/runs", body), 403)["message"]
    error(post(people.bob, f"/api/v1/runs/{run.pk}/cancel"), 403)
    assert Run.objects.get().state == "queued"


def test_404_for_an_outsider(people: People, version: Version) -> None:
    run = make_run(version)
    error(get(people.charlie, f"/api/v1/runs/{run.pk}"), 404)
    error(post(people.charlie, f"/api/v1/runs/{run.pk}/cancel"), 404)
    error(post(people.charlie, "/api/v1/runs", {"version": version.pk, "preset": "sasrec"}), 404)
    error(get(people.alice, "/api/v1/runs/999999999"), 404)
    error(get(people.alice, "/api/v1/runs/99999999999999999999999"), 404)


def test_422_names_every_wrong_setting(people: People, version: Version) -> None:
    body = {"version": version.pk, "preset": "sasrec", "settings": {"training.epochs": 0, "training.nope": 1}}
    problem = error(post(people.alice, "/api/v1/runs", body), 422)
    assert problem["field"] == "training.epochs"
    assert problem["problems"] == [
        {"field": "training.epochs", "message": "got 0, must be 1 or more"},
        {"field": "training.nope", "message": "there is no such setting"},
    ]
    assert not Run.objects.exists()


def test_422_unknown_preset_lists_those_that_exist(people: People, version: Version) -> None:
    problem = error(post(people.alice, "/api/v1/runs", {"version": version.pk, "preset": "sasrek"}), 422)
    assert problem["message"] == "There is no preset 'sasrek'."
    assert "Did you mean 'sasrec'?" in problem["hint"]
    assert "darec-nano" in problem["hint"]


@pytest.mark.parametrize(
    "body", [{}, {"version": "x", "preset": "sasrec"}, {"version": 1, "preset": "sasrec", "settings": []}, [1]]
)
def test_422_malformed_body(people: People, body: Any) -> None:
    problem = error(post(people.alice, "/api/v1/runs", body), 422)
    assert "openapi.json" in problem["hint"]


def test_400_no_json(people: People) -> None:
    response = Client().post("/api/v1/runs", "{", content_type="application/json", headers=headers(people.alice))
    error(response, 400)


def test_422_version_that_is_not_ready(people: People) -> None:
    version = make_version(people, state="queued")
    problem = error(post(people.alice, "/api/v1/runs", {"version": version.pk, "preset": "sasrec"}), 422)
    assert "not ready" in problem["message"]


def test_500_has_a_reference_and_tells_nothing_else(people: People, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("webapp.api.told.run_out", broken)
    problem = error(get(people.alice, f"/api/v1/runs/{make_run(version).pk}"), 500)
    assert problem["reference"] in problem["hint"]
    assert "broken on purpose" not in str(problem)
