"""One fault at a time, at the moment where it hurts most."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import psutil
import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from redis import Redis

from deploy.local.ports import free_port
from deploy.local.services import BEAT_COMMAND, REAPER_COMMAND, answers, web_command
from tests.faults.record import Faults
from tests.faults.test_kills import child_below
from tests.workers.fixtures import FAST, Run, RunState, wait_for_state
from tests.workers.stand_in import make_result
from tests.workers.waiting import wait_until
from webapp.broker import EXECUTE_TASK, ask
from webapp.experiments.models import AttemptRecord, Ending
from webapp.notices.models import Notice, Subject
from workers import crew
from workers.attempts import RunAttempt
from workers.claims import claim_run
from workers.database import retrying
from workers.outcome import succeed
from workers.reaping import Reaper
from workers.supervisor import supervise_run

MakeRun = Callable[..., Run]
StartProcess = Callable[..., "subprocess.Popen[bytes]"]
Background = Callable[[Callable[[], object]], threading.Thread]
pytestmark = pytest.mark.services


def blocked() -> list[int]:
    """The connections that wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        return [pid for (pid,) in cursor.fetchall()]


def test_the_database_restarts_in_the_last_write_of_a_result(
    run: Run, attempt: RunAttempt, background: Background, faults: Faults
) -> None:
    ended: list[bool] = []
    with faults.inject("Postgres restarts during the last write of a result") as case:
        with psycopg.connect(os.environ["DATABASE_URL"]) as holder:
            holder.execute("SELECT 1 FROM experiments_run WHERE id = %s FOR UPDATE", [run.pk])
            background(lambda: ended.append(retrying(partial(succeed, attempt, make_result()), 60)))
            for _ in range(3):
                (waiting, *_) = wait_until(blocked)
                # What a restart does to the connection, in the middle of the transaction.
                holder.execute("SELECT pg_terminate_backend(%s)", [waiting])
                wait_until(lambda waiting=waiting: waiting not in blocked())  # type: ignore[misc]
            case.strikes()
            holder.rollback()
        wait_for_state(run, RunState.SUCCEEDED)
        wait_until(lambda: ended)
        # Its answer may be lost after it was committed: then it is written again, which changes nothing.
        assert ended == [True]
        assert not succeed(attempt, make_result())
        assert (run.samples.count(), run.layers.count()) == (1, 1)
        assert AttemptRecord.objects.filter(run=run, ending=Ending.SUCCEEDED).count() == 1
        assert Notice.objects.filter(subject=Subject.RUN, object_id=run.pk).count() <= 1


@pytest.mark.usefixtures("stand_in")
def test_a_workers_clock_leaps_and_nobody_minds(
    make_run: MakeRun, background: Background, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signs of life, silence and endings are dated by the database; limits within a process by clocks that never leap."""
    monkeypatch.setattr(crew, "CHILD", (sys.executable, "-m", "tests.faults.odd_child"))
    for number, seconds in enumerate((86_400, -86_400)):
        monkeypatch.setenv("FAULT_CLOCK", str(seconds))
        run = make_run(steps=20, pause=0.1)
        attempt = claim_run(run.pk)
        assert attempt is not None
        reaper = Reaper(replace(FAST, silence=15))
        with faults.inject("the clock of a worker leaps by a day, to and fro"):
            thread = background(lambda attempt=attempt: supervise_run(attempt, FAST))  # type: ignore[misc]
            while thread.is_alive():
                reaper.look()
                thread.join(0.1)
            run.refresh_from_db()
            assert (run.state, run.losses, run.attempt) == (RunState.SUCCEEDED, 0, 1), number
            assert run.finished_at is not None
            assert run.started_at is not None
            assert 0 <= (run.finished_at - run.started_at).total_seconds() < 120
            assert abs((timezone.now() - run.finished_at).total_seconds()) < 120


def test_a_worker_that_is_stopped_longer_than_the_silence_loses_nothing_while_its_child_works(
    make_run: MakeRun, start_worker: StartProcess, broker: "Redis[bytes]", faults: Faults
) -> None:
    run = make_run(steps=40, pause=0.1)
    worker = start_worker("gpu")
    ask(EXECUTE_TASK, run.pk)
    wait_until(lambda: run.events.filter(type="checkpoint").count() >= 2, 60)
    child = child_below(worker)
    assert child is not None
    reaper = Reaper(replace(FAST, silence=2))
    with faults.inject("SIGSTOP of a Celery worker for longer than the silence") as case:
        between = psutil.Process(child.ppid())
        for process in (between, psutil.Process(worker.pid)):
            process.suspend()

        def ended() -> bool:
            reaper.look()
            run.refresh_from_db()
            return run.state == RunState.SUCCEEDED

        wait_until(ended, 60)
        case.right()
        for process in (psutil.Process(worker.pid), between):
            process.resume()
        after = make_run()
        ask(EXECUTE_TASK, after.pk)
        wait_for_state(after, RunState.SUCCEEDED, seconds=60)
        run.refresh_from_db()
        assert (run.state, run.losses, run.attempt, run.samples.count()) == (RunState.SUCCEEDED, 0, 1, 1)


def test_a_broker_that_forgets_everything_while_runs_wait(
    make_run: MakeRun, start_worker: StartProcess, start_process: StartProcess, broker: "Redis[bytes]", faults: Faults
) -> None:
    runs = [make_run(steps=3, pause=0.1) for _ in range(4)]
    with faults.inject("Redis FLUSHALL with queued runs") as case:
        for run in runs:
            ask(EXECUTE_TASK, run.pk)
        case.strikes()
        broker.flushall()
        assert broker.llen("gpu") == 0
        start_process("workers.reaper")
        start_worker("gpu")
        for run in runs:
            wait_for_state(run, RunState.SUCCEEDED, seconds=90)
        assert [(run.attempt, run.losses, run.samples.count()) for run in runs] == [(1, 0, 1)] * 4


@pytest.mark.usefixtures("database")
def test_services_end_when_they_are_told_to(start_process: StartProcess, faults: Faults) -> None:
    port = free_port()
    commands = {"web server": web_command("127.0.0.1", str(port), "1"), "beat": BEAT_COMMAND, "reaper": REAPER_COMMAND}
    processes = {name: start_process(*command) for name, command in commands.items()}
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 90)
    for name, process in processes.items():
        with faults.inject(f"SIGTERM of the {name}"):
            process.terminate()
            assert process.wait(30) in (0, -15), name
