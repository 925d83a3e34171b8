"""The broker or the database goes away and comes back."""

import subprocess
import threading
from collections.abc import Callable

import pytest
from django.db import connection
from redis import Redis

from tests.workers.fixtures import FAST, Run, RunState, wait_for_state
from tests.workers.waiting import wait_until
from webapp.broker import EXECUTE_TASK, ask
from webapp.experiments.models import RunEvent
from workers.claims import claim_run
from workers.supervisor import supervise_run

MakeRun = Callable[..., Run]
pytestmark = pytest.mark.services


def break_connections() -> int:
    """End every other connection to the database, as a restart does; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def test_runs_whose_messages_the_broker_forgot_are_done_all_the_same(
    make_run: MakeRun, broker: "Redis[bytes]", start_process: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    first, second = make_run(steps=30, pause=0.1), make_run()
    start_process("celery", "-A", "tests.workers.stand_in_app", "worker", "-Q", "gpu")
    ask(EXECUTE_TASK, first.pk)
    ask(EXECUTE_TASK, second.pk)
    wait_for_state(first, RunState.RUNNING)
    broker.flushdb()
    start_process("workers.reaper")
    wait_for_state(first, RunState.SUCCEEDED)
    wait_for_state(second, RunState.SUCCEEDED)
    assert (first.attempt, second.attempt) == (1, 1)


@pytest.mark.usefixtures("stand_in")
def test_a_run_survives_that_its_connections_break(
    make_run: MakeRun, background: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    run = make_run(steps=30, pause=0.1)
    attempt = claim_run(run.pk)
    assert attempt is not None
    background(lambda: supervise_run(attempt, FAST))
    for number in range(2, 12, 3):
        wait_until(lambda number=number: RunEvent.objects.filter(run=run, type="checkpoint").count() >= number)  # type: ignore[misc]
        assert break_connections() >= 1
    wait_for_state(run, RunState.SUCCEEDED)
    assert (run.attempt, run.losses) == (1, 0)
    steps = RunEvent.objects.filter(run=run, type="checkpoint").values_list("payload__step", flat=True)
    assert list(steps) == list(range(1, 31))


def test_the_reaper_survives_that_its_connections_break(
    make_run: MakeRun, start_process: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    run = make_run()
    reaper = start_process("workers.reaper")
    for _ in range(3):
        wait_until(break_connections)
    assert claim_run(run.pk) is not None
    Run.objects.filter(pk=run.pk).update(heartbeat_at=None)
    wait_for_state(run, RunState.QUEUED)
    assert reaper.poll() is None
