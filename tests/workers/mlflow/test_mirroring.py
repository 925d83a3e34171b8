"""What goes wrong on the way to MLflow: a server that is down or answers too late (stand_in.py); test_real.py has the rest."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from tests.workers.mlflow.stand_in import RemoteRun, StandIn, mlflow_stand_in
from tests.workers.mlflow.telling import MakeRun, begun, due, tell
from webapp.experiments.models import Run, RunState
from webapp.mirroring.models import Mirror
from workers.mlflow import mirroring
from workers.mlflow.client import MOST_METRICS, Mlflow, MlflowError
from workers.mlflow.mirroring import MOST_TRIES, PAUSES, look, mirror


@pytest.fixture
def server(settings: Settings) -> Iterator[StandIn]:
    with mlflow_stand_in() as stand_in:
        settings.MLFLOW_TRACKING_URI, settings.SITE_URL = stand_in.url, "https://lab.example.org"
        yield stand_in


def only(server: StandIn) -> RemoteRun:
    (run,) = server.runs.values()
    return run


@pytest.mark.parametrize("endpoint", ["runs/create", "runs/log-batch", "runs/update", "experiments/create"])
def test_an_answer_that_was_lost_makes_no_second_run(endpoint: str, make_run: MakeRun, server: StandIn) -> None:
    run, attempt = begun(make_run)
    tell(attempt, 0, 2)
    server.cutting = endpoint
    assert not mirror(due(run).pk)
    row = Mirror.objects.get()
    assert (row.tries, row.last_error) == (1, "The MLflow server did not answer (RemoteDisconnected).")
    server.cutting = ""
    assert mirror(due(run).pk)
    assert mirror(due(run).pk)
    assert len(server.experiments) == len(server.runs) == 1
    # Told once each, but for the batch whose answer was lost: it is there twice, under the same steps.
    assert {line[2] for line in only(server).metrics} == {0, 1}


def test_pauses_grow_and_in_the_end_it_is_given_up(make_run: MakeRun, server: StandIn) -> None:
    run, _ = begun(make_run)
    server.failing = True
    for number in range(1, MOST_TRIES + 1):
        assert not mirror(due(run).pk)
        row = Mirror.objects.get()
        assert row.tries == number
        assert row.last_error == "The MLflow server answered 503 TEMPORARILY_UNAVAILABLE to experiments/get-by-name: no"
        if number == MOST_TRIES:
            assert row.next_try_at is None
            continue
        assert row.next_try_at is not None
        expected = PAUSES[min(number, len(PAUSES)) - 1]
        assert abs((row.next_try_at - timezone.now()).total_seconds() - expected) < 20
        assert not mirror(row.pk), "not before its time"
    run.refresh_from_db()
    assert run.state == RunState.STARTING, "the run has not heard of it"


def test_many_numbers_go_in_batches(make_run: MakeRun, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirroring, "_EVENTS", 7)
    run, attempt = begun(make_run)
    tell(attempt, 0, 20)
    assert mirror(due(run).pk)
    assert len(only(server).metrics) == 40
    assert server.calls.count("runs/log-batch") >= 40 // 7
    assert MOST_METRICS == 1000


def test_beat_asks_for_what_is_due(make_run: MakeRun, server: StandIn, broker: Redis) -> None:
    run, _ = begun(make_run)
    waiting = make_run()
    old = make_run()
    Run.objects.filter(pk=old.pk).update(state=RunState.SUCCEEDED, started_at=timezone.now() - timedelta(days=3))
    look()
    row = Mirror.objects.get()
    assert row.run_id == run.pk
    assert Run.objects.get(pk=waiting.pk).state == RunState.QUEUED
    assert broker.llen("io") == 1
    look()
    assert broker.llen("io") == 1, "a message that waits is enough"
    # A run that goes on after its end was told is told again.
    Mirror.objects.update(finished_at=timezone.now() - timedelta(days=1), next_try_at=None)
    broker.delete("io")
    look()
    row.refresh_from_db()
    assert row.finished_at is None
    assert broker.llen("io") == 1


def test_without_an_address_nothing_happens(make_run: MakeRun, broker: Redis, settings: Settings) -> None:
    settings.MLFLOW_TRACKING_URI = ""
    run, _ = begun(make_run)
    look()
    assert not Mirror.objects.exists()
    assert not mirror(due(run).pk)
    assert Mirror.objects.get().tries == 0


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MLFLOW_TRACKING_TOKEN": "abc"}, "Bearer abc"),
        ({"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "pw"}, "Basic YW5uOnB3"),
        ({}, None),
    ],
)
def test_signing_in(variables: dict[str, str], expected: str | None, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Mlflow.of_settings().experiment("Größe <b>") == "1"
    assert Mlflow.of_settings().experiment("Größe <b>") == "1"
    assert {headers.get("authorization") for headers in server.headers} == {expected}


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(MlflowError, match="must be http"):
        Mlflow("file:///tmp/mlruns")
