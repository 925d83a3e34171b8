"""Polls of a run that has not changed: they cost one query, and tell what the operation tells, to those who may know."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from tests.webapp.api.asking import headers, refused
from tests.webapp.people import People, finish, make_run
from webapp.accounts.models import ApiToken, Scope
from webapp.accounts.tokens import issue_token
from webapp.api import quick, rates, told
from webapp.datasets.models import Dataset, Version
from webapp.experiments.access import get_run_to_tell
from webapp.experiments.models import Run, RunStar
from webapp.metrics.requests import REQUESTS


@pytest.fixture
def script(people: People) -> Client:
    """A client with a token of Bob's, who is a viewer."""
    return Client(headers=headers(people.bob))


@pytest.fixture
def operation(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Asks as ``script`` would, of the operation itself."""

    def ask(client: Client, address: str, **more: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(quick, "_quickly", lambda request, pk: None)
            return client.get(address, **more)

    return ask


@pytest.fixture
def run(version: Version) -> Run:
    """One that runs."""
    return make_run(version, "running", attempt=1)


def poll(client: Client, run: Run, **more: Any) -> Any:
    """The answer to a poll that is known by then."""
    client.get(f"/api/v1/runs/{run.pk}")
    return client.get(f"/api/v1/runs/{run.pk}", **more)


def test_an_unchanged_run_costs_one_query(script: Client, run: Run) -> None:
    first = script.get(f"/api/v1/runs/{run.pk}")
    for more in ({}, {"headers": {"If-None-Match": first["ETag"]}}):
        with CaptureQueriesContext(connection) as queries:
            again = poll(script, run, **more)
        assert len(queries) == 2, "one for each of the two polls"
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])


@pytest.mark.parametrize("query", ["", "?seen=older", "?seen=0123456789abcdef&wait=60", "?wait=0"])
def test_it_is_what_the_operation_answers(script: Client, run: Run, operation: Callable[..., Any], query: str) -> None:
    for one in (run, finish(make_run(run.version))):
        address = f"/api/v1/runs/{one.pk}{query}"
        expected = operation(script, address)
        answer = poll(script, one, query_params=dict(part.split("=") for part in query[1:].split("&") if part))
        assert answer.status_code == 200
        assert answer.content == expected.content
        changing = {"X-Request-ID", "RateLimit-Remaining", "RateLimit-Reset"}
        assert {name: value for name, value in answer.items() if name not in changing} == {
            name: value for name, value in expected.items() if name not in changing
        }
        assert set(answer.headers) == set(expected.headers)


def _notes(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(notes="seen")


def _beat(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now())


def _tag(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(tags=["paper"])


def _archive(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(archived_at=timezone.now())


def _rename(run: Run) -> None:
    Dataset.objects.filter(pk=run.version.dataset_id).update(name="Toys")


def _renumber(run: Run) -> None:
    Version.objects.filter(pk=run.version_id).update(number=7)


@pytest.mark.parametrize("change", [_notes, _beat, _tag, _archive, _rename, _renumber, finish])
def test_every_change_is_told_at_once(
    script: Client, run: Run, operation: Callable[..., Any], change: Callable[[Run], Any]
) -> None:
    before = poll(script, run)
    change(run)
    after = script.get(f"/api/v1/runs/{run.pk}", headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert after.content != before.content
    assert poll(script, run).content == after.content == operation(script, f"/api/v1/runs/{run.pk}").content


def test_a_star_is_ones_own(script: Client, run: Run, people: People) -> None:
    other = Client(headers=headers(people.alice))
    assert poll(script, run).json()["starred"] is poll(other, run).json()["starred"] is False
    RunStar.objects.create(run=run, user=people.alice)
    assert (poll(script, run).json()["starred"], poll(other, run).json()["starred"]) == (False, True)


def test_a_star_set_while_it_is_told_is_nobody_elses(
    script: Client, run: Run, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starring(*values: Any) -> Run:
        RunStar.objects.create(run=run, user=people.alice)
        return get_run_to_tell(*values)

    monkeypatch.setattr(told, "get_run_to_tell", starring)
    other = Client(headers=headers(people.alice))
    assert other.get(f"/api/v1/runs/{run.pk}").json()["starred"] is False
    monkeypatch.undo()
    assert script.get(f"/api/v1/runs/{run.pk}").json()["starred"] is False
    assert other.get(f"/api/v1/runs/{run.pk}").json()["starred"] is True


def test_who_may_no_longer_is_refused_at_once(run: Run, people: People) -> None:
    now = timezone.now()
    for values in ({"revoked_at": now}, {"expires_at": now - datetime.timedelta(seconds=1)}):
        token, text = issue_token(people.bob, "test", 1, Scope.READ)
        client = Client(headers={"Authorization": f"Bearer {text}"})
        assert poll(client, run).status_code == 200
        ApiToken.objects.filter(pk=token.pk).update(**values)
        refused(client.get(f"/api/v1/runs/{run.pk}"), 401)
    text = issue_token(people.bob, "test", 1)[1]
    client = Client(headers={"Authorization": f"Bearer {text}"})
    assert poll(client, run).status_code == 200
    refused(Client(headers={"Authorization": f"Bearer {text}x"}).get(f"/api/v1/runs/{run.pk}"), 401)
    refused(Client(headers={"Authorization": f"Basic {text}"}).get(f"/api/v1/runs/{run.pk}"), 401)
    people.bob.memberships.all().delete()
    refused(client.get(f"/api/v1/runs/{run.pk}"), 404)
    people.bob.is_active = False
    people.bob.save()
    refused(client.get(f"/api/v1/runs/{run.pk}"), 401)


def test_strangers_get_404_though_it_is_known(script: Client, run: Run, people: People) -> None:
    pk = run.pk
    assert poll(script, run).status_code == 200
    refused(Client(headers=headers(people.charlie)).get(f"/api/v1/runs/{run.pk}"), 404)
    Run.objects.filter(pk=run.pk).delete()
    refused(script.get(f"/api/v1/runs/{pk}"), 404)


def test_the_use_of_a_token_is_noted(run: Run, people: People) -> None:
    token, text = issue_token(people.bob, "test", 1)
    client = Client(headers={"Authorization": f"Bearer {text}"})
    poll(client, run)
    long_ago = timezone.now() - datetime.timedelta(hours=1)
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=long_ago)
    client.get(f"/api/v1/runs/{run.pk}")
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at > long_ago


def test_polls_are_counted_once_and_refused_beyond_the_limit(
    script: Client, run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_RATE_PER_MINUTE = 3
    monkeypatch.setattr(rates, "_now", lambda: 1_000_000_020.0)
    answers = [script.get(f"/api/v1/runs/{run.pk}") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    refused(answers[3], 429)
    assert answers[3].has_header("Retry-After")


@pytest.mark.parametrize("query", ["wait=61", "wait=nan", "wait=-1", "wait=x", f"seen={'0' * 101}"])
def test_a_query_that_is_wrong_is_refused_as_ever(script: Client, run: Run, query: str) -> None:
    poll(script, run)
    refused(script.get(f"/api/v1/runs/{run.pk}?{query}"), 422)


@pytest.mark.parametrize(
    "path", ["runs/0", "runs/-1", "runs/999999999", "runs/9223372036854775808", "runs/1000000000000000000000"]
)
def test_numbers_that_are_no_runs(script: Client, path: str) -> None:
    refused(script.get(f"/api/v1/{path}"), 404)


def test_requests_are_counted_by_the_operation(script: Client, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    views: list[str] = []
    monkeypatch.setattr(REQUESTS, "count", lambda view, *values: views.append(view))
    poll(script, run)
    assert views == ["api:get_run", "api:get_run"]


def test_a_host_that_is_not_ours_gets_nothing(script: Client, run: Run) -> None:
    poll(script, run)
    assert script.get(f"/api/v1/runs/{run.pk}", headers={"Host": "elsewhere.example"}).status_code == 400


def test_without_the_database_it_is_said(script: Client, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*values: Any) -> None:
        raise OperationalError("server closed the connection")

    poll(script, run)
    monkeypatch.setattr(quick, "look_at", away)
    monkeypatch.setattr("webapp.api.auth.find_token", away)
    refused(script.get(f"/api/v1/runs/{run.pk}"), 503)


def test_only_so_much_is_kept(script: Client, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "_SHELF", told._Shelf())
    monkeypatch.setattr(told, "_MOST", 2)
    runs = [make_run(version) for _ in range(4)]
    for run in runs:
        poll(script, run)
    assert [key[0] for key in told._SHELF._told] == [run.pk for run in runs[2:]]
    assert told._SHELF._bytes == sum(len(one.body) for one in told._SHELF._told.values())
    monkeypatch.setattr(told, "_MOST_BYTES", 1)
    assert poll(script, runs[0]).status_code == 200
    assert not told._SHELF._told
