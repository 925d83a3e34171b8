"""Delivering by REST: lists asked for, waited for, cancelled and fetched; refits; promotions."""

import threading
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from tests.webapp.api.asking import ask, get, post, refused
from tests.webapp.people import People, finish, make_run
from webapp import broker
from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token
from webapp.datasets.models import Version
from webapp.delivering.lists import look_at_lists
from webapp.delivering.models import ListsState, Promotion, UserLists
from webapp.delivering.promoting import current_of
from webapp.experiments.models import Run

WANTED = {"k": 3, "format": "csv-raw", "seen": "keep"}


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a message is sent, and the file made, is asked by the tests of the workers."""
    monkeypatch.setattr(broker, "ask", lambda task, row: None)


@pytest.fixture
def run(version: Version) -> Run:
    return finish(make_run(version))


def test_lists_are_asked_for_once_seen_and_fetched(people: People, run: Run) -> None:
    address = f"/runs/{run.pk}/everyone"
    made = post(people.alice, address, WANTED, 201)
    assert post(people.alice, address, WANTED, 201)["id"] == made["id"]
    assert (made["state"], made["k"], made["format"], made["name"]) == ("queued", 3, "csv-raw", f"run-{run.pk}-top-3.csv")
    assert [line["id"] for line in get(people.bob, address)] == [made["id"]]
    own = made["url"].removeprefix("/api/v1")
    file = made["file"].removeprefix("/api/v1")
    assert "nothing to download" in refused(ask(people.bob, "get", file), 404)
    key = default_storage.save("exports/1/lists.csv", ContentFile(b"user,item\n"))
    UserLists.objects.update(state=ListsState.READY, storage_key=key, size=10, users=600, rows=1800, applied="keep")
    now = get(people.bob, own)
    assert (now["state"], now["users"], now["size"]) == ("ready", 600, 10)
    assert now["stamp"] != made["stamp"]
    answer = ask(people.bob, "get", file)
    assert b"".join(answer) == b"user,item\n"
    assert f'filename="run-{run.pk}-top-3.csv"' in answer["Content-Disposition"]
    default_storage.delete(key)
    assert "removed from the storage" in refused(ask(people.bob, "get", file), 404)
    for path in (own, file, address):
        refused(ask(people.charlie, "get", path), 404)


def test_who_waits_is_told_when_it_changes(people: People, run: Run, transactional_db: None) -> None:
    made = post(people.alice, f"/runs/{run.pk}/everyone", WANTED, 201)
    own = made["url"].removeprefix("/api/v1")
    assert get(people.bob, f"{own}?wait=0.1&seen={made['stamp']}")["state"] == "queued"
    told: list[Any] = []

    def wait() -> None:
        try:
            told.append(get(people.bob, f"{own}?wait=30&seen={made['stamp']}"))
        finally:
            connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    UserLists.objects.update(state=ListsState.MAKING, progress={"done": 1, "total": 2})
    thread.join(20)
    assert told[0]["progress"] == {"done": 1, "total": 2}


def test_one_is_cancelled_by_those_who_may_launch(people: People, run: Run) -> None:
    made = post(people.alice, f"/runs/{run.pk}/everyone", WANTED, 201)
    cancel = made["url"].removeprefix("/api/v1") + "/cancel"
    refused(ask(people.bob, "post", cancel, {}), 403)
    refused(ask(people.charlie, "post", cancel, {}), 404)
    for _ in range(2):
        assert post(people.alice, cancel)["state"] == "cancelled"
    assert look_at_lists([made["id"]])[made["id"]].ended
    UserLists.objects.update(state=ListsState.READY)
    assert "ready already" in refused(ask(people.alice, "post", cancel, {}), 422)


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 201}, {"format": "exe"}, {"seen": "maybe"}])
def test_wrong_values_are_refused(people: People, run: Run, wrong: dict[str, Any]) -> None:
    refused(ask(people.alice, "post", f"/runs/{run.pk}/everyone", {**WANTED, **wrong}), 422)
    assert not UserLists.objects.exists()


def test_a_run_is_refitted_once(people: People, run: Run) -> None:
    made = post(people.alice, f"/runs/{run.pk}/refit", {}, 201)
    assert Run.objects.get(pk=made["id"]).refits == run
    assert post(people.alice, f"/runs/{run.pk}/refit", {}, 201)["id"] == made["id"]
    refused(ask(people.bob, "post", f"/runs/{run.pk}/refit", {}), 403)


def test_a_curator_promotes_with_a_token_that_may(people: People, run: Run) -> None:
    address = f"/runs/{run.pk}/promote"
    refused(ask(people.bob, "post", address, {"note": ""}), 403)
    token = issue_token(people.alice, "launcher", 1, Scope.LAUNCH)[1]
    refused(ask(people.alice, "post", address, {"note": ""}, Authorization=f"Bearer {token}"), 403)
    for _ in range(2):
        assert post(people.alice, address, {"note": "best"})["run"] == run.pk
    current = current_of(run.version.dataset)
    assert current is not None
    assert (current.run, current.note, Promotion.objects.count()) == (run, "best", 1)
    assert "no trained model" in refused(ask(people.alice, "post", f"/runs/{make_run(run.version).pk}/promote", {}), 422)
