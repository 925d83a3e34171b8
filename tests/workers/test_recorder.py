from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from engine.events import CheckpointEvent, LogEvent, MetricEvent, ProgressEvent, ResultEvent, WarningEvent
from tests.workers.fixtures import FAST, Run, RunState, in_state, wait_for_state
from tests.workers.stand_in import make_result
from tests.workers.waiting import wait_until
from webapp.experiments.actions import request_cancel
from webapp.experiments.models import RunEvent
from workers.attempts import RunAttempt
from workers.recorder import Recorder, write_batch

SLOW = replace(FAST, write=60)


def progress(done: int, phase: str = "training") -> ProgressEvent:
    return ProgressEvent(phase=phase, done=done, total=10, unit="steps", fraction=done / 10)


@pytest.fixture
def checkpoints() -> list[CheckpointEvent]:
    return []


@pytest.fixture
def recorders(attempt: RunAttempt, checkpoints: list[CheckpointEvent]) -> object:
    with ExitStack() as stack:

        def make(timings: object = FAST) -> Recorder:
            recorder = Recorder(attempt, timings, checkpoints.append)  # type: ignore[arg-type]
            stack.callback(recorder.close)
            return recorder

        yield make


def test_events_become_rows_in_order_and_progress_stays_on_the_run(
    run: Run, recorders: Callable[..., Recorder], checkpoints: list[CheckpointEvent]
) -> None:
    recorder = recorders()
    checkpoint = CheckpointEvent(path="checkpoints/1", step=1)
    recorder(LogEvent(message="a\x00b"))
    recorder(progress(1))
    recorder(MetricEvent(split="valid", step=1, epoch=0, values={"ndcg@10": 0.1, "loss": float("nan")}))
    recorder(WarningEvent(message="w", hint="h"))
    recorder(checkpoint)
    recorder(progress(2))
    recorder(ResultEvent(result=make_result()))
    recorder.close()
    rows = list(RunEvent.objects.filter(run=run, attempt=1).values_list("sequence", "type", "payload"))
    assert rows == [
        (0, "log", {"message": "a\ufffdb"}),
        (1, "metric", {"split": "valid", "step": 1, "epoch": 0, "values": {"ndcg@10": 0.1, "loss": None}}),
        (2, "warning", {"message": "w", "hint": "h"}),
        (3, "checkpoint", {"path": "checkpoints/1", "step": 1, "epoch": None, "best": False}),
    ]
    run.refresh_from_db()
    assert (run.progress["done"], run.progress["phase"]) == (2, "training")
    assert "type" not in run.progress
    assert checkpoints == [checkpoint]


def test_the_state_follows_the_phase(run: Run, recorders: Callable[..., Recorder]) -> None:
    recorder = recorders()
    recorder(progress(1))
    wait_for_state(run, RunState.RUNNING)
    recorder(progress(2, "evaluating validation"))
    wait_until(lambda: in_state(run, RunState.RUNNING)() and run.progress["done"] == 2)
    recorder(progress(3, "evaluating test"))
    wait_for_state(run, RunState.EVALUATING)


def test_a_run_that_is_being_cancelled_stays_so(run: Run, recorders: Callable[..., Recorder]) -> None:
    request_cancel(run)
    recorder = recorders()
    recorder(progress(1))
    recorder.close()
    run.refresh_from_db()
    assert (run.state, run.progress["done"]) == (RunState.CANCELLING, 1)


def test_a_hundred_events_are_written_before_their_time_in_one_insert(run: Run, recorders: Callable[..., Recorder]) -> None:
    recorder = recorders(SLOW)
    for number in range(99):
        recorder(LogEvent(message=str(number)))
    assert not RunEvent.objects.exists()
    recorder(LogEvent(message="99"))
    assert wait_until(RunEvent.objects.count) == 100


def test_a_batch_is_few_queries_however_long(attempt: RunAttempt) -> None:
    def queries(count: int, first: int) -> int:
        rows = [
            RunEvent(run_id=attempt.pk, attempt=1, sequence=first + i, type="log", payload={}, created_at="2026-01-01T00:00Z")
            for i in range(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            assert write_batch(attempt, rows, progress(1))
        return len(captured)

    assert queries(1, 0) == queries(80, 1)


def test_writing_a_batch_twice_writes_it_once(attempt: RunAttempt) -> None:
    row = RunEvent(run_id=attempt.pk, attempt=1, sequence=0, type="log", payload={}, created_at="2026-01-01T00:00Z")
    assert write_batch(attempt, [row], None)
    row.pk = None
    assert write_batch(attempt, [row], None)
    assert RunEvent.objects.count() == 1


def test_reporting_does_not_wait_for_the_database(run: Run, recorders: Callable[..., Recorder]) -> None:
    recorder = recorders()
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        for number in range(500):
            recorder(MetricEvent(split="train", step=number, epoch=0, values={"loss": 1.0}))
        assert not RunEvent.objects.exists()
    assert wait_until(lambda: RunEvent.objects.count() == 500)


def test_events_wait_while_the_connection_is_broken(run: Run, recorders: Callable[..., Recorder]) -> None:
    recorder = recorders()
    for number in range(3):
        recorder(LogEvent(message=str(number)))
        wait_until(lambda number=number: RunEvent.objects.count() == number + 1)  # type: ignore[misc]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            assert cursor.fetchone()[0] >= 1
    recorder.close()
    assert RunEvent.objects.count() == 3


def test_a_fault_in_writing_reaches_the_thread_that_reports(attempt: RunAttempt) -> None:
    recorder = Recorder(attempt, FAST, lambda _: None)
    # Python refuses to write so long a number, which is no outage.
    recorder(MetricEvent(split="train", step=10**5000, epoch=0, values={}))
    with pytest.raises(ValueError, match="limit"):
        recorder.close()


def test_what_prepares_a_run_that_goes_on_does_not_take_its_bar_back(run: Run, attempt: RunAttempt) -> None:
    Run.objects.filter(pk=run.pk).update(progress={"phase": "preparing", "fraction": 0.6})
    told = {"done": 1, "total": 2, "unit": "steps"}
    for epoch, fraction, shown in ((None, 0.0, 0.6), (3, 0.5, 0.5), (None, 0.5, 0.5)):
        assert write_batch(attempt, [], ProgressEvent(phase="training", fraction=fraction, epoch=epoch, **told))
        run.refresh_from_db()
        assert run.progress["fraction"] == shown
