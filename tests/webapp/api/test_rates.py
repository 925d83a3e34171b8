"""Requests a minute for each token, with the headers that say so."""

import threading
import time
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.webapp.api.test_runs import error, headers
from tests.webapp.people import People
from webapp.api import rates


@pytest.fixture(autouse=True)
def _three_a_minute(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_RATE_PER_MINUTE = 3
    # One window, whenever the test happens to run: 20 s of it are over.
    start = time.time() // 60 * 60
    monkeypatch.setattr(rates, "_now", lambda: start + 20)


@pytest.fixture
def script(people: People) -> Client:
    """A client with a token of Alice's."""
    return Client(headers=headers(people.alice))


@pytest.fixture
def dead_redis(settings: Settings) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/7"


def ask(client: Client) -> Any:
    return client.get("/api/v1/runs")


def test_the_fourth_request_is_refused(script: Client, people: People) -> None:
    answers = [ask(script) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0"]
    refused = ask(script)
    assert error(refused, 429)["code"] == "rate_limited"
    assert refused["Retry-After"] == "40"
    assert (refused["RateLimit-Limit"], refused["RateLimit-Remaining"], refused["RateLimit-Reset"]) == ("3", "0", "40")
    assert ask(Client(headers=headers(people.alice))).status_code == 200, "another token has a limit of its own"


def test_the_next_minute_begins_anew(script: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        ask(script)
    later = rates._now() + 60
    monkeypatch.setattr(rates, "_now", lambda: later)
    assert ask(script)["RateLimit-Remaining"] == "2"


def test_refusals_and_mistakes_count_too(script: Client) -> None:
    for _ in range(3):
        script.get("/api/v1/runs/999999")
    assert ask(script).status_code == 429
    assert script.post("/api/v1/runs", {}, content_type="application/json", headers={"Idempotency-Key": "k"}).status_code == 429


def test_a_request_with_a_key_counts_once(script: Client) -> None:
    answer = script.post("/api/v1/runs", {}, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer["RateLimit-Remaining"]) == (422, "2")


def test_0_is_no_limit(script: Client, settings: Settings) -> None:
    settings.API_RATE_PER_MINUTE = 0
    answers = [ask(script) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert not answers[0].has_header("RateLimit-Limit")


@pytest.mark.usefixtures("dead_redis")
def test_without_redis_all_go_through_and_it_is_said_once(script: Client, caplog: pytest.LogCaptureFixture) -> None:
    begin = time.monotonic()
    assert {ask(script).status_code for _ in range(6)} == {200}
    assert time.monotonic() - begin < 5
    assert sum("Redis does not answer" in record.getMessage() for record in caplog.records) == 1


def test_where_the_broker_is_no_redis_the_process_counts(script: Client, settings: Settings) -> None:
    settings.BROKER_URL = "amqp://127.0.0.1:1/"
    assert [ask(script).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_counts_of_one_process_add_up_over_threads() -> None:
    local = rates._Local()
    threads = [threading.Thread(target=lambda: [local.count(1, 5) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert local.count(1, 5) == 801
    assert local.count(1, 6) == 1
