"""Polls that bring nothing new, and parts that are made once for all."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.webapp.people import People, finish, make_group, make_run
from tests.webapp.searches.planting import add_trial, make_search, uniform
from webapp import polling
from webapp.datasets.models import Version
from webapp.experiments.models import Run, RunEvent

POLL = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the stamps stands still: a test may take longer than a stamp is good for."""
    monkeypatch.setattr(polling.time, "time", lambda: 1_000_000.0)


def test_each_polled_page_answers_that_nothing_is_new(alice: Client, version: Version) -> None:
    run, group, search = make_run(version, "running"), make_group(version), make_search(version)
    add_trial(search, uniform(4, 8))
    for address in (f"/runs/{run.pk}", f"/groups/{group.pk}", f"/searches/{search.pk}"):
        first = alice.get(address, headers=POLL)
        assert first.status_code == 200, address
        with CaptureQueriesContext(connection) as queries:
            second = alice.get(address, headers={**POLL, "X-Seen": first["X-Stamp"]})
        assert (second.status_code, second.content) == (204, b""), address
        assert second["X-Stamp"] == first["X-Stamp"]
        assert len(queries) <= 6, address
        Run.objects.filter(state__in=("running", "queued")).update(progress={"fraction": 0.9})
        third = alice.get(address, headers={**POLL, "X-Seen": first["X-Stamp"]})
        assert third.status_code == 200, address
        Run.objects.filter(state__in=("running", "queued")).update(progress={})


def test_epochs_and_log_come_only_when_something_was_reported(alice: Client, version: Version) -> None:
    run = make_run(version, "running", attempt=1)
    address = f"/runs/{run.pk}"
    stamp = alice.get(address, headers=POLL)["X-Stamp"]
    Run.objects.filter(pk=run.pk).update(progress={"fraction": 0.5})
    moved = alice.get(address, headers={**POLL, "X-Seen": stamp})
    assert "50 %" in moved.content.decode()
    assert "part-epochs" not in moved.content.decode()
    payload = {"message": "a new line"}
    RunEvent.objects.create(run=run, attempt=1, sequence=0, type="log", payload=payload, created_at=timezone.now())
    told = alice.get(address, headers={**POLL, "X-Seen": moved["X-Stamp"]})
    assert "a new line" in told.content.decode()
    finish(run)
    ended = alice.get(address, headers={**POLL, "X-Seen": told["X-Stamp"]})
    assert ended.status_code == 286
    assert ".0571" in ended.content.decode()


def test_time_that_passes_is_shown_at_last(alice: Client, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(version, "running")
    stamp = alice.get(f"/runs/{run.pk}", headers=POLL)["X-Stamp"]
    monkeypatch.setattr(polling.time, "time", lambda: 1_000_000.0 + polling.CLOCK_SECONDS)
    assert alice.get(f"/runs/{run.pk}", headers={**POLL, "X-Seen": stamp}).status_code == 200


def test_what_is_shared_holds_nobodys_token_and_only_ones_own_rights(people: People, version: Version) -> None:
    run = make_run(version, "running", progress={"fraction": 0.25})
    alice, second, viewer = people.client("alice"), people.client("alice"), people.client("bob")
    answers = [client.get(f"/runs/{run.pk}", headers=POLL).content.decode() for client in (alice, second, viewer)]
    for text in answers[:2]:
        assert 'name="csrfmiddlewaretoken"' in text
        assert polling.SHARED["csrf_token"] not in text
    assert answers[0] != answers[1]
    assert "25 %" in answers[2]
    assert "csrfmiddlewaretoken" not in answers[2]
    assert "Cancel" not in answers[2]


def test_strangers_are_told_nothing(charlie: Client, alice: Client, version: Version) -> None:
    run, group, search = make_run(version, "running"), make_group(version), make_search(version)
    for address in (f"/runs/{run.pk}", f"/groups/{group.pk}", f"/searches/{search.pk}"):
        stamp = alice.get(address, headers=POLL)["X-Stamp"]
        assert charlie.get(address, headers={**POLL, "X-Seen": stamp}).status_code == 404
        assert charlie.get(address, headers=POLL).status_code == 404


@pytest.mark.parametrize("header", ["", ".", "....", "x" * 500, "é"])
def test_any_header_is_answered(alice: Client, version: Version, header: str) -> None:
    run = make_run(version, "running")
    assert alice.get(f"/runs/{run.pk}", headers={**POLL, "X-Seen": header}).status_code == 200
