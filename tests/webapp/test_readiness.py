"""/readyz without workers; with a real one it is asked in tests/workers/test_echoing.py."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from tests.webapp.fleet.machines import give_job, make_node
from tests.webapp.people import make_run
from webapp import broker, readiness
from webapp.datasets.models import Version
from webapp.fleet.models import Echo


@pytest.fixture(autouse=True)
def _looked_at_anew(settings: Settings) -> Iterator[None]:
    settings.READY_WAIT_SECONDS = 0.05
    readiness.forget()
    yield
    readiness.forget()


def test_without_a_worker(visitor: Client) -> None:
    response = visitor.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"database": "ok", "broker": "ok", "worker": "does not answer"}
    assert response["Cache-Control"] == "no-store"
    assert not Echo.objects.exists()


def test_a_worker_that_has_its_hands_full_is_busy(visitor: Client, version: Version) -> None:
    give_job(make_node("io-1", ("io",)), make_run(version))
    response = visitor.get("/readyz")
    assert (response.status_code, response.json()["worker"]) == (200, "busy")


def test_a_worker_of_another_queue_does_not_count(visitor: Client, version: Version) -> None:
    give_job(make_node("gpu-1"), make_run(version))
    assert visitor.get("/readyz").status_code == 503


@pytest.mark.usefixtures("dead_broker")
def test_without_a_broker(visitor: Client) -> None:
    response = visitor.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"database": "ok", "broker": "does not answer", "worker": "does not answer"}
    assert not Echo.objects.exists()


@pytest.mark.usefixtures("dead_broker")
def test_pages_alone_need_neither_broker_nor_worker(visitor: Client) -> None:
    response = visitor.get("/readyz?only=web")
    assert (response.status_code, response.json()) == (200, {"database": "ok"})
    assert visitor.get("/readyz?only=nonsense").status_code == 503


def test_pages_need_the_database(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # The database itself goes away in tests/faults; here only the answer is looked at.
    monkeypatch.setattr(readiness, "database_answers", lambda: False)
    response = visitor.get("/readyz?only=web")
    assert (response.status_code, response.json()) == (503, {"database": "does not answer"})


def test_however_many_ask_workers_are_asked_once(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(broker, "ask", lambda *arguments, **_: asked.append(arguments))
    for _ in range(5):
        visitor.get("/readyz")
    assert len(asked) == 1
