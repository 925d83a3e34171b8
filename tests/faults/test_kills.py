"""Kills at bad moments: nothing is lost, nothing comes twice, no state tells a lie."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace

import psutil
import pytest
from redis import Redis

from tests.workers.fixtures import (
    FAST,
    Dataset,
    Run,
    RunState,
    Version,
    VersionState,
    child_of_this_process,
    storage_root,
    wait_for_state,
)
from tests.workers.waiting import wait_until
from webapp.broker import EXECUTE_TASK, ask
from webapp.experiments.models import RunEvent
from workers.claims import claim_run, claim_version
from workers.reaping import Reaper
from workers.supervisor import supervise_run, supervise_version

MakeRun = Callable[..., Run]
StartProcess = Callable[..., "subprocess.Popen[bytes]"]
pytestmark = pytest.mark.services


def checkpoints(run: Run) -> int:
    return RunEvent.objects.filter(run=run, type="checkpoint").count()


def beginnings(run: Run) -> list[int]:
    """The step at which each attempt began."""
    logs = RunEvent.objects.filter(run=run, type="log", payload__message__startswith="begins").order_by("attempt")
    return [int(event.payload["message"].split()[-1]) for event in logs]


def child_below(process: "subprocess.Popen[bytes]") -> psutil.Process | None:
    """The child process that works for a Celery worker."""
    below = psutil.Process(process.pid).children(recursive=True)
    return next((child for child in below if os.getsid(child.pid) == child.pid), None)


def scratch_folders() -> set[str]:
    return {path.name for path in (storage_root() / "scratch").iterdir()}


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.fault("SIGKILL of the training child")
@pytest.mark.usefixtures("stand_in")
def test_a_child_that_kills_itself_is_a_lost_attempt_at_once_and_the_run_goes_on(
    make_run: MakeRun, broker: "Redis[bytes]"
) -> None:
    run = make_run(steps=4, die=2)
    attempt = claim_run(run.pk)
    assert attempt is not None
    supervise_run(attempt, FAST)
    run.refresh_from_db()
    assert (run.state, run.losses) == (RunState.QUEUED, 1)
    assert broker.llen("gpu") == 1
    attempt = claim_run(run.pk)
    assert attempt is not None
    supervise_run(attempt, FAST)
    run.refresh_from_db()
    assert (run.state, run.losses, run.attempt) == (RunState.SUCCEEDED, 1, 2)
    # Events may be lost with their child, checkpoints may not.
    assert beginnings(run)[-1] == 2


@pytest.mark.fault("SIGKILL of the training child, three times")
@pytest.mark.usefixtures("stand_in")
def test_the_third_loss_ends_the_run_with_a_reason(make_run: MakeRun) -> None:
    run = make_run(steps=4, die=1, deaths=9)
    for _ in range(3):
        attempt = claim_run(run.pk)
        assert attempt is not None
        supervise_run(attempt, FAST)
    run.refresh_from_db()
    assert (run.state, run.losses) == (RunState.LOST, 3)
    assert "SIGKILL" in run.error
    assert claim_run(run.pk) is None


@pytest.mark.fault("SIGKILL of worker, parent and child together")
def test_a_run_outlives_its_workers(make_run: MakeRun, start_process: StartProcess, start_worker: StartProcess) -> None:
    run = make_run(steps=25, pause=0.1)

    # The worker is killed: its child hears of it, and gives the run back.
    worker = start_worker("gpu")
    ask(EXECUTE_TASK, run.pk)
    wait_until(lambda: checkpoints(run) >= 3)
    family = psutil.Process(worker.pid).children(recursive=True)
    assert len(family) >= 2
    worker.kill()
    wait_until(lambda: all(gone(process) for process in family))
    run.refresh_from_db()
    assert (run.state, run.losses) == (RunState.QUEUED, 0)

    # Worker and child are killed together, the process between them first stopped, so that nobody sees it but the reaper.
    worker = start_worker("gpu")
    wait_until(lambda: RunEvent.objects.filter(run=run, attempt=2, type="checkpoint").count() >= 3)
    child = child_below(worker)
    assert child is not None
    between = psutil.Process(child.ppid())
    between.suspend()
    child.kill()
    worker.kill()
    between.kill()
    reaper = start_process("workers.reaper", WORKER_SILENCE_SECONDS="1")
    wait_for_state(run, RunState.QUEUED)
    assert (run.losses, run.attempt) == (1, 2)
    reaper.terminate()
    assert reaper.wait(10) == 0

    start_worker("gpu")
    wait_for_state(run, RunState.SUCCEEDED)
    assert (run.losses, run.attempt, run.samples.count()) == (1, 3, 1)
    first, second, third = beginnings(run)
    assert first == 0
    assert second >= 3
    assert third >= second + 3


@pytest.mark.fault("SIGKILL of the child, SIGTERM of the worker")
def test_a_killed_child_is_replaced_and_a_worker_that_is_told_to_stop_gives_its_run_back(
    make_run: MakeRun, start_worker: StartProcess
) -> None:
    run = make_run(steps=1000, pause=0.1)
    worker = start_worker("gpu")
    ask(EXECUTE_TASK, run.pk)
    wait_until(lambda: checkpoints(run) >= 3)
    child = child_below(worker)
    assert child is not None
    child.kill()
    wait_until(lambda: len(beginnings(run)) == 2)
    assert beginnings(run)[1] >= 3
    assert worker.poll() is None
    family = psutil.Process(worker.pid).children(recursive=True)
    worker.terminate()
    assert worker.wait(15) == 0
    assert all(gone(process) for process in family)
    run.refresh_from_db()
    assert (run.state, run.losses, run.attempt) == (RunState.QUEUED, 1, 2)


@pytest.mark.fault("SIGSTOP of the training child for longer than the silence")
@pytest.mark.usefixtures("stand_in")
def test_an_attempt_that_wakes_up_too_late_writes_nothing(
    make_run: MakeRun, background: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    run = make_run(steps=1000, pause=0.1)
    attempt = claim_run(run.pk)
    assert attempt is not None
    thread = background(lambda: supervise_run(attempt, FAST))
    wait_until(lambda: checkpoints(run) >= 2)
    child = child_of_this_process()
    assert child is not None
    child.suspend()
    reaper = Reaper(replace(FAST, silence=1))

    def lost() -> bool:
        reaper.look()
        run.refresh_from_db()
        return run.state == RunState.QUEUED

    wait_until(lost)
    assert claim_run(run.pk) is not None
    seen = RunEvent.objects.filter(run=run).count()
    before = Run.objects.filter(pk=run.pk).values().get()
    child.resume()
    thread.join(10)
    assert not thread.is_alive()
    assert RunEvent.objects.filter(run=run).count() == seen
    assert Run.objects.filter(pk=run.pk).values().get() == before


@pytest.fixture
def uploaded(dataset: Dataset) -> Version:
    """A queued version whose file takes a while to read."""
    key = "uploads/for-a-kill"
    folder = storage_root() / key
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"u{number},i{number % 900},{number}\n" for number in range(2_000_000))
    (folder / "interactions.csv").write_text("user_id,item_id,timestamp\n" + rows)
    return Version.objects.create(dataset=dataset, number=5, upload_key=key, filters={"core": 0})


@pytest.mark.fault("SIGKILL and SIGTERM while a version is read")
@pytest.mark.parametrize(("number", "state"), [(signal.SIGKILL, VersionState.FAILED), (signal.SIGTERM, VersionState.QUEUED)])
def test_a_killed_reader_fails_and_a_stopped_one_is_queued_again(
    uploaded: Version,
    background: Callable[[Callable[[], object]], threading.Thread],
    number: signal.Signals,
    state: VersionState,
) -> None:
    attempt = claim_version(uploaded.pk)
    assert attempt is not None
    before = scratch_folders()
    thread = background(lambda: supervise_version(attempt, FAST))

    # The library that reads starts threads of its own beside the three of ours.
    wait_until(lambda: (child := child_of_this_process()) is not None and child.num_threads() > 4)
    child = child_of_this_process()
    assert child is not None
    child.send_signal(number)
    thread.join(20)
    uploaded.refresh_from_db()
    assert uploaded.state == state
    assert uploaded.storage_key == ""
    assert scratch_folders() == before
    if state == VersionState.FAILED:
        assert uploaded.error == "Reading the files took too much memory or time."
