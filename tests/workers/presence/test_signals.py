"""Real processes say that they are there, and what they do."""

import signal
import subprocess
from collections.abc import Callable

import psutil
import pytest

from tests.workers.fixtures import Run, RunState, wait_for_state
from tests.workers.waiting import wait_until
from webapp.broker import EXECUTE_TASK, ask
from webapp.fleet.models import Job, WorkerNode
from webapp.fleet.of_run import worker_of

StartProcess = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch, database: None) -> None:
    monkeypatch.setenv("WORKER_PRESENCE_SECONDS", "0.3")


@pytest.mark.services
def test_a_real_worker_appears_works_and_goes(make_run: Callable[..., Run], start_worker: StartProcess) -> None:
    run = make_run(steps=400, pause=0.05)
    process = start_worker("gpu,io")
    node = wait_until(lambda: WorkerNode.objects.exclude(queues=[]).first(), what="a worker that is ready")
    assert (node.pid, node.queues, node.kind) == (process.pid, ["gpu", "io"], "worker")
    assert "@" in node.celery_name
    assert node.devices["cpus"] >= 1
    ask(EXECUTE_TASK, run.pk)
    wait_for_state(run, RunState.RUNNING)
    # Joined by the name that was recorded when the run was claimed, and by the attempt.
    assert run.worker == node.name
    job = wait_until(lambda: Job.objects.filter(kind="run", row=run.pk).first())
    assert (job.node_id, job.attempt, job.project_id) == (node.pk, run.attempt, run.project_id)
    assert psutil.Process(job.pid).is_running()

    def measured() -> bool:
        shown = worker_of(run)
        return bool(shown and shown["sampled"] and shown["usage"]["memory"].endswith(("MB", "GB")))

    wait_until(measured, what="a sample of the child")
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    assert not WorkerNode.objects.exists()
    assert not Job.objects.exists()
    wait_for_state(run, RunState.QUEUED)


@pytest.mark.services
def test_beat_and_the_reaper_appear_too(database: None, broker: object, start_process: StartProcess) -> None:
    beat = start_process("celery", "-A", "tests.workers.stand_in_app", "beat", "--pidfile=")
    reaper = start_process("workers.reaper")
    pids = {"beat": beat.pid, "reaper": reaper.pid}
    wait_until(lambda: dict(WorkerNode.objects.values_list("kind", "pid")) == pids)
    reaper.send_signal(signal.SIGTERM)
    assert reaper.wait(30) == 0
    assert [node.kind for node in WorkerNode.objects.all()] == ["beat"]
