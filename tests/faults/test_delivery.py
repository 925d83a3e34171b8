"""Messages that come twice, too late, in the wrong order, for rows that are gone, or that are no messages; and old attempts that
wake up and write."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction
from redis import Redis

from engine.events import CheckpointEvent, LogEvent, ProgressEvent
from tests.faults.record import Faults
from tests.workers.fixtures import FAST, Run, RunState, Version, VersionState, wait_for_state
from tests.workers.stand_in import make_result
from tests.workers.waiting import wait_until
from webapp.broker import EXECUTE_TASK, QUEUES, ask, producer
from webapp.datasets.models import Derived, DerivedKind
from webapp.delivering.models import UserLists
from webapp.experiments.models import AttemptRecord, Ending, RunEvent
from workers import derivations, tasks
from workers.attempts import Pulse, RunAttempt
from workers.claims import claim_run, claim_version
from workers.failures import OUT_OF_MEMORY
from workers.lists import states
from workers.outcome import ready, succeed
from workers.recorder import Recorder, write_batch

MakeRun = Callable[..., Run]
StartProcess = Callable[..., "subprocess.Popen[bytes]"]
UNKNOWN = 987_654_321


@pytest.mark.services
def test_a_worker_takes_any_message_and_does_each_run_once(
    make_run: MakeRun, start_worker: StartProcess, broker: "Redis[bytes]", faults: Faults
) -> None:
    first, second, deleted, last = (make_run(steps=3, pause=0.05) for _ in range(4))
    app = producer()
    with faults.inject("messages twice, wrong, of old releases, for rows that are gone"):
        # In the wrong order, and each several times.
        for run in (second, first, second, deleted, first, first):
            ask(EXECUTE_TASK, run.pk)
        deleted_pk = deleted.pk
        deleted.delete()
        ask(EXECUTE_TASK, UNKNOWN)
        for arguments in ([], ["no number"], [None], [first.pk, "more"], [{"run": first.pk}], [-1], [10**30]):
            app.send_task(EXECUTE_TASK, args=arguments, queue="gpu")
        # Of a release that named it otherwise, and one that sent more.
        app.send_task("runs.execute_v0", args=[first.pk], queue="gpu")
        app.send_task(EXECUTE_TASK, args=[first.pk], kwargs={"force": True}, queue="gpu")
        whole = json.loads(broker.lindex("gpu", 0))
        for garbage in ({**whole, "body": "%%%"}, {**whole, "content-type": "application/x-python-serialize"}):
            broker.lpush("gpu", json.dumps(garbage))
        start_worker("gpu")
        for run in (first, second):
            wait_for_state(run, RunState.SUCCEEDED, seconds=90)
        wait_until(lambda: broker.llen("gpu") == 0, 60)
        ask(EXECUTE_TASK, last.pk)
        wait_for_state(last, RunState.SUCCEEDED, seconds=90)
        for run in (first, second, last):
            run.refresh_from_db()
            assert (run.state, run.attempt, run.losses, run.samples.count()) == (RunState.SUCCEEDED, 1, 0, 1)
            assert AttemptRecord.objects.filter(run=run).count() == 1
        assert not Run.objects.filter(pk=deleted_pk).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize("task", sorted(QUEUES))
def test_every_task_bears_a_message_for_nobody(task: str, faults: Faults) -> None:
    by_name = {each.name: each for each in vars(tasks).values() if hasattr(each, "name") and hasattr(each, "apply_async")}
    with faults.inject("a message for a row that never was"):
        by_name[task](UNKNOWN)


def test_an_old_attempt_that_wakes_up_writes_nothing_at_all(run: Run, attempt: RunAttempt, faults: Faults) -> None:
    """Every write of a run that there is, by attempt 1, while attempt 2 works."""
    with faults.inject("an old attempt wakes up and writes"):
        published: list[CheckpointEvent] = []
        recorder = Recorder(attempt, FAST, published.append)
        assert attempt.lose("it slept")
        newer = claim_run(run.pk)
        assert newer is not None
        assert write_batch(newer, [], ProgressEvent(phase="training", done=1, total=9, unit="steps", fraction=0.1))
        before = Run.objects.filter(pk=run.pk).values().get()
        events = list(RunEvent.objects.filter(run=run).values())

        recorder(LogEvent(message="late"))
        recorder(ProgressEvent(phase="evaluating test", done=9, total=9, unit="users", fraction=1))
        recorder.close()
        assert attempt.beat() is Pulse.GONE
        assert not attempt.give_back()
        assert not attempt.lose("again")
        assert not attempt.fail(OUT_OF_MEMORY)
        assert not attempt.cancel()
        assert not succeed(attempt, make_result())
        with transaction.atomic():
            assert attempt.lock() is None
        assert Run.objects.filter(pk=run.pk).values().get() == before
        assert list(RunEvent.objects.filter(run=run).values()) == events
        assert run.samples.count() == run.layers.count() == 0
        assert succeed(newer, make_result())
        assert list(AttemptRecord.objects.order_by("number").values_list("ending", flat=True)) == [Ending.LOST, Ending.SUCCEEDED]


def test_an_old_attempt_at_a_version_or_a_file_writes_nothing(version: Version, make_run: MakeRun, prepared_folder: Path) -> None:
    from engine.data.profile import profile_version
    from engine.data.version import read_version

    Version.objects.filter(pk=version.pk).update(state=VersionState.QUEUED, attempt=0)
    old = claim_version(version.pk)
    assert old is not None
    assert old.lose()
    assert claim_version(version.pk) is not None
    before = Version.objects.filter(pk=version.pk).values().get()
    prepared = read_version(prepared_folder)
    old.note("late")
    assert old.beat() is Pulse.GONE
    assert not old.give_back()
    assert not old.fail(OUT_OF_MEMORY)
    assert not ready(old, prepared, "versions/late", profile_version(prepared))
    assert Version.objects.filter(pk=version.pk).values().get() == before

    Version.objects.filter(pk=version.pk).update(state=VersionState.READY)
    derived = Derived.objects.create(version=version, kind=DerivedKind.CSV, asked_at=before["created_at"])
    lists = UserLists.objects.create(run=make_run(), form="csv", k=5)
    for row, module in ((derived, derivations), (lists, states)):
        number = module.claim(row.pk)  # type: ignore[attr-defined]
        assert module.lose(row.pk, number)  # type: ignore[attr-defined]
        assert module.claim(row.pk) == number + 1  # type: ignore[attr-defined]
        now = type(row).objects.filter(pk=row.pk).values().get()  # type: ignore[attr-defined]
        for write in (module.beat, module.give_back, module.lose):  # type: ignore[attr-defined]
            assert not write(row.pk, number)
        assert not module.fail(row.pk, number, OUT_OF_MEMORY)  # type: ignore[attr-defined]
        assert type(row).objects.filter(pk=row.pk).values().get() == now  # type: ignore[attr-defined]
    assert not states.finish(lists.pk, 1, storage_key="late")
