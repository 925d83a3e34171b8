"""Runs mirrored to a server that speaks MLflow's REST API; see stand_in.py for what stands in for MLflow, and why."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from engine.events import LogEvent, MetricEvent
from tests.workers.fixtures import Run, RunState
from tests.workers.mlflow.stand_in import RemoteRun, StandIn, mlflow_stand_in
from tests.workers.stand_in import make_result
from webapp.experiments.models import RunEvent
from webapp.mirroring.models import Mirror
from workers.attempts import RunAttempt
from workers.claims import claim_run
from workers.mlflow import mirroring
from workers.mlflow.client import MOST_METRICS, Mlflow, MlflowError
from workers.mlflow.mirroring import MOST_TRIES, PAUSES, look, mirror
from workers.mlflow.telling import params
from workers.outcome import succeed
from workers.recorder import write_batch

MakeRun = Callable[..., Run]


@pytest.fixture
def server(settings: Settings) -> Iterator[StandIn]:
    with mlflow_stand_in() as stand_in:
        settings.MLFLOW_TRACKING_URI, settings.SITE_URL = stand_in.url, "https://lab.example.org"
        yield stand_in


def begun(make_run: MakeRun) -> tuple[Run, RunAttempt]:
    run = make_run()
    attempt = claim_run(run.pk)
    assert attempt is not None
    run.refresh_from_db()
    return run, attempt


def tell(attempt: RunAttempt, first: int, last: int) -> None:
    """Events as the recorder stores them: a metric of training and one of validation at each step, and a line between."""
    events = [
        event
        for step in range(first, last)
        for event in (
            MetricEvent(split="train", step=step, epoch=step, values={"loss": 1 / (step + 1)}),
            LogEvent(message="a line"),
            MetricEvent(split="valid", step=step, epoch=step, values={"ndcg@10": step / 100, "hr@10": float("nan")}),
        )
    ]
    rows = [
        RunEvent(
            run_id=attempt.pk,
            attempt=attempt.number,
            sequence=3 * first + number,
            type=event.type,
            payload={**event.model_dump(exclude={"type"}), **_without_nan(event)},
            created_at=timezone.now(),
        )
        for number, event in enumerate(events)
    ]
    assert write_batch(attempt, rows, None)


def _without_nan(event: MetricEvent | LogEvent) -> dict[str, object]:
    if isinstance(event, LogEvent):
        return {}
    return {"values": {name: value if value == value else None for name, value in event.values.items()}}


def due(run: Run) -> Mirror:
    """The run's mirror, due now."""
    Mirror.objects.get_or_create(run=run)
    Mirror.objects.filter(run=run).update(next_try_at=timezone.now() - timedelta(seconds=1))
    return Mirror.objects.get(run=run)


def only(server: StandIn) -> RemoteRun:
    (run,) = server.runs.values()
    return run


def test_a_run_is_mirrored_while_it_goes_on_and_to_its_end(make_run: MakeRun, server: StandIn) -> None:
    run, attempt = begun(make_run)
    tell(attempt, 0, 3)
    assert mirror(due(run).pk)
    remote = only(server)
    assert (remote.name, remote.status, remote.end) == (str(run), "RUNNING", None)
    assert remote.params == params(run)
    assert remote.params["training.seed"] == str(run.spec["training"]["seed"])
    assert remote.params["method.id"] == run.method
    assert [line for line in remote.metrics if line[0] == "train/loss"] == [
        ("train/loss", 1 / (step + 1), step) for step in range(3)
    ]
    assert [line[2] for line in remote.metrics if line[0] == "valid/ndcg_at_10"] == [0, 1, 2]
    assert not any("hr" in line[0] for line in remote.metrics), "what is no number is left out"
    row = Mirror.objects.get()
    assert (row.finished_at, row.tries, row.last_error) == (None, 0, "")
    assert row.next_try_at is not None
    tell(attempt, 3, 5)
    assert succeed(attempt, make_result("hash"))
    assert mirror(due(run).pk)
    run.refresh_from_db()
    assert [line[2] for line in remote.metrics if line[0] == "train/loss"] == [0, 1, 2, 3, 4]
    assert ("test/hr_at_10", 0.5, run.best_epoch) in remote.metrics
    assert ("chosen/valid/hr_at_10", 0.25, run.best_epoch) in remote.metrics
    assert remote.status == "FINISHED"
    assert run.finished_at is not None
    assert remote.end == int(run.finished_at.timestamp() * 1000)
    assert remote.tags["dareclab.artifacts"] == f"https://lab.example.org/runs/{run.pk}/files"
    assert remote.tags["dareclab.protocol.version"] == "hash"
    assert remote.tags["dareclab.state"] == "succeeded"
    row.refresh_from_db()
    assert row.next_try_at is None
    assert row.finished_at is not None
    assert not mirror(row.pk), "all was told"


@pytest.mark.parametrize(("state", "status"), [("failed", "FAILED"), ("lost", "FAILED"), ("cancelled", "KILLED")])
def test_other_ends(state: str, status: str, make_run: MakeRun, server: StandIn) -> None:
    run, _ = begun(make_run)
    Run.objects.filter(pk=run.pk).update(state=state, finished_at=timezone.now(), error="Out of memory.")
    assert mirror(due(run).pk)
    remote = only(server)
    assert (remote.status, remote.tags["dareclab.error"]) == (status, "Out of memory.")
    assert not any(line[0].startswith("test/") for line in remote.metrics)


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
        assert row.last_error == "The MLflow server answered 503 TEMPORARILY_UNAVAILABLE to experiments/get-by-name."
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
