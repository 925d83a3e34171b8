"""/metrics: who may read it, and what it says."""

import re
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings
from redis import Redis

from tests.webapp.api.test_runs import headers
from tests.webapp.fleet.machines import make_node
from tests.webapp.people import People, make_run
from webapp.accounts.models import Scope
from webapp.datasets.models import Version
from webapp.environment import networks
from webapp.metrics import requests
from webapp.metrics.requests import REQUESTS, Requests

_SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (\S+)')


@pytest.fixture(autouse=True)
def _none_counted() -> None:
    """The tests before this one counted requests too."""
    REQUESTS.hand_over()
    with Redis.from_url(configured.BROKER_URL) as redis:
        redis.delete("dareclab:requests")


@pytest.fixture
def reader(people: People) -> Client:
    """A client with a token of an admin of the site, of the scope admin."""
    return Client(headers=headers(people.alice))


def samples(response: Any) -> dict[str, float]:
    """The samples, each line of which must be well formed."""
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {}
    for line in response.content.decode().splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            match = _SAMPLE.fullmatch(line)
            assert match, line
            name = line.removesuffix(f" {match[3]}")
            assert name not in found
            found[name] = float(match[3])
    return found


def test_who_may_read_it(people: People, visitor: Client, alice: Client, settings: Settings) -> None:
    assert visitor.get("/metrics").status_code == 401
    assert alice.get("/metrics").status_code == 401, "a session is no token"
    for scope in (Scope.READ, Scope.LAUNCH, Scope.CURATE):
        assert Client(headers=headers(people.alice, scope)).get("/metrics").status_code == 403
    people.bob.is_staff = False
    people.bob.save()
    assert Client(headers=headers(people.bob)).get("/metrics").status_code == 403, "of no admin of the site"
    assert Client(headers=headers(people.alice)).get("/metrics").status_code == 200
    settings.METRICS_ALLOW = networks("METRICS_ALLOW", "10.0.0.0/8, 127.0.0.1,::1")
    assert visitor.get("/metrics").status_code == 200
    assert visitor.get("/metrics", REMOTE_ADDR="11.0.0.1").status_code == 401
    assert visitor.get("/metrics", REMOTE_ADDR="10.9.8.7").status_code == 200
    assert visitor.get("/metrics", REMOTE_ADDR="").status_code == 401


def test_a_wrong_network_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"METRICS_ALLOW: .*10\.0\.0\.0/99"):
        networks("METRICS_ALLOW", "10.0.0.0/99")


def test_how_things_stand(reader: Client, version: Version) -> None:
    make_node("io-1", queues=("io",))
    for state in ("queued", "queued", "succeeded"):
        make_run(version, state)
    found = samples(reader.get("/metrics"))
    assert found['dareclab_runs{state="queued"}'] == 2
    assert found['dareclab_runs{state="succeeded"}'] == 1
    assert found['dareclab_runs{state="running"}'] == 0
    assert found['dareclab_queue_rows{queue="gpu"}'] == 2
    assert found['dareclab_queue_oldest_seconds{queue="gpu"}'] >= 0
    assert found["dareclab_broker_up"] == found["dareclab_database_up"] == 1
    assert 'dareclab_queue_messages{queue="io"}' in found
    assert found['dareclab_workers{queue="io"}'] == 1
    assert found['dareclab_workers{queue="gpu"}'] == 0
    assert found['dareclab_processes{kind="worker"}'] == 1
    assert [value for name, value in found.items() if name.startswith("dareclab_build_info{version=")] == [1]


def test_requests_are_counted_by_view(reader: Client, visitor: Client) -> None:
    for _ in range(3):
        reader.get("/api/v1/runs/1")
    visitor.get("/nothing/<here>")
    found = samples(reader.get("/metrics"))
    assert found['dareclab_http_requests_total{view="api:get_run",method="GET",status="404"}'] == 3
    assert found['dareclab_http_requests_total{view="none",method="GET",status="404"}'] == 1
    assert found['dareclab_http_request_seconds_count{view="api:get_run"}'] == 3
    assert found['dareclab_http_request_seconds_bucket{view="api:get_run",le="+Inf"}'] == 3
    assert found['dareclab_http_request_seconds_sum{view="api:get_run"}'] > 0
    assert samples(reader.get("/metrics"))['dareclab_http_requests_total{view="metrics",method="GET",status="200"}'] == 1


def test_what_two_processes_counted_adds_up() -> None:
    one, other = Requests(), Requests()
    one.count("home", "GET", 200, 0.007)
    other.count("home", "GET", 200, 99.0)
    other.hand_over()
    counted, seconds = one.families()
    assert counted.samples == [("", {"view": "home", "method": "GET", "status": "200"}, 2.0)]
    known = {(suffix, labels.get("le", "")): value for suffix, labels, value in seconds.samples}
    assert (known["_bucket", "0.005"], known["_bucket", "0.01"], known["_bucket", "30"]) == (0, 1, 1)
    assert (known["_bucket", "+Inf"], known["_count", ""]) == (2, 2)
    assert known["_sum", ""] == pytest.approx(99.007)


def test_while_redis_is_away_nothing_is_lost(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    alive, own = settings.BROKER_URL, Requests()
    own.count("home", "GET", 200, 0.1)
    settings.BROKER_URL = "redis://127.0.0.1:1/8"
    own.hand_over()
    own.count("home", "GET", 200, 0.1)
    assert own.families()[0].samples[0][2] == 2
    settings.BROKER_URL = alive
    assert own.families()[0].samples[0][2] == 2
    assert own.families()[0].samples[0][2] == 2, "and it is handed over once"


def test_the_address_of_a_request_is_no_label(visitor: Client) -> None:
    for number in range(20):
        visitor.get(f"/runs/{number}")
    assert {labels["view"] for _, labels, _ in requests.REQUESTS.families()[0].samples} <= {"run", "none", "login"}


def test_without_the_database_the_rest_is_said(visitor: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stand-in: the database that all tests share cannot be stopped here.
    def away() -> None:
        raise OperationalError("connection refused")

    settings.METRICS_ALLOW = networks("METRICS_ALLOW", "127.0.0.1")
    visitor.get("/healthz")
    monkeypatch.setattr("webapp.metrics.views.state_families", away)
    found = samples(visitor.get("/metrics"))
    assert found["dareclab_database_up"] == 0
    assert found['dareclab_http_requests_total{view="healthz",method="GET",status="200"}'] == 1
