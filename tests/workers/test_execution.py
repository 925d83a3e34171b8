import json
import os
import signal
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from tests.workers import stand_in
from tests.workers.fixtures import FAST, Run, RunState, Version, VersionState, child_of_this_process, storage_root, wait_for_state
from tests.workers.waiting import wait_until
from webapp.experiments.actions import request_cancel
from webapp.experiments.models import RunEvent
from workers.claims import claim_run
from workers.execution import execute_run
from workers.lifeline import Lifeline
from workers.supervisor import supervise_run
from workers.timings import Timings

MakeRun = Callable[..., Run]
Background = Callable[[Callable[[], object]], threading.Thread]
pytestmark = [pytest.mark.usefixtures("stand_in"), pytest.mark.services]


def execute(run: Run, timings: Timings = FAST) -> Run:
    """Claim ``run`` and have a child execute it."""
    attempt = claim_run(run.pk)
    assert attempt is not None
    supervise_run(attempt, timings)
    run.refresh_from_db()
    return run


@pytest.fixture
def execute_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Run], Run]:
    """Claim a run and do what its child does, in this process."""
    engine = types.ModuleType("engine.run")
    monkeypatch.setattr(engine, "run", stand_in.run, raising=False)
    monkeypatch.setitem(sys.modules, "engine.run", engine)

    def execute(run: Run) -> Run:
        attempt = claim_run(run.pk)
        assert attempt is not None
        lifeline = Lifeline(attempt, FAST)
        lifeline.start()
        execute_run(attempt, tmp_path, lifeline, FAST)
        run.refresh_from_db()
        return run

    return execute


def logged(run: Run, kind: str = "log") -> list[str]:
    return [event.payload["message"] for event in RunEvent.objects.filter(run=run, type=kind)]


def test_a_run_succeeds_in_a_child_process(make_run: MakeRun, version: Version) -> None:
    (storage_root() / "scratch").mkdir(exist_ok=True)
    before = set((storage_root() / "scratch").iterdir())
    run = execute(make_run())
    assert (run.state, run.error) == (RunState.SUCCEEDED, "")
    assert run.test == {"hr@10": 0.5}
    assert run.protocol["version"] == json.loads((storage_root() / version.storage_key / "manifest.json").read_text())["hash"]
    assert logged(run) == ["begins at step 0"]
    assert logged(run, "warning") == ["only a stand-in"]
    assert RunEvent.objects.filter(run=run, type="metric").count() == 3
    assert run.progress["phase"] == "evaluating test"
    assert run.layers.count() == run.samples.count() == 1
    assert set((storage_root() / "scratch").iterdir()) <= before


def test_a_mistake_of_the_user_is_shown_with_its_hint(make_run: MakeRun, execute_here: Callable[[Run], Run]) -> None:
    run = execute_here(make_run(fail="user"))
    assert (run.state, run.error, run.hint) == (RunState.FAILED, "The window is too long.", "Choose 50 or less.")
    assert run.reference == ""
    assert run.finished_at is not None


def test_a_fault_of_ours_shows_a_reference_and_the_workers_log_the_rest(
    make_run: MakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    run = execute(make_run(fail="fault"))
    assert run.state == RunState.FAILED
    assert len(run.reference) == 8
    assert run.reference in run.error
    assert run.reference in logged(run)[-1]
    shown = run.error + run.hint + "".join(logged(run))
    assert "secret" not in shown
    assert "Traceback" not in shown
    log = capfd.readouterr().err
    assert run.reference in log
    assert "ZeroDivisionError: a secret path" in log


def test_lack_of_memory_says_what_to_make_smaller(make_run: MakeRun, execute_here: Callable[[Run], Run]) -> None:
    run = execute_here(make_run(fail="memory"))
    assert run.state == RunState.FAILED
    assert run.error.startswith("Out of memory at batch 32")
    assert run.remedy["settings"] == {"training.batch_size": 16}
    assert run.reference == ""


def test_a_spec_that_no_longer_validates_fails_with_its_problem(make_run: MakeRun, execute_here: Callable[[Run], Run]) -> None:
    run = make_run()
    Run.objects.filter(pk=run.pk).update(spec={**run.spec, "nonsense": 1})
    run = execute_here(run)
    assert (run.state, run.error) == (RunState.FAILED, "nonsense: there is no such setting")


def test_a_version_that_is_not_ready_fails_the_run(make_run: MakeRun, execute_here: Callable[[Run], Run]) -> None:
    run = make_run()
    run.version.state = VersionState.FAILED
    run.version.save()
    run = execute_here(run)
    assert run.state == RunState.FAILED
    assert "not ready" in run.error


def test_a_damaged_version_fails_the_run(make_run: MakeRun, execute_here: Callable[[Run], Run]) -> None:
    run = make_run()
    run.version.storage_key = "versions/nothing-there"
    run.version.save()
    run = execute_here(run)
    assert (run.state, run.reference) == (RunState.FAILED, "")
    assert "no prepared version" in run.error
    assert str(storage_root()) not in run.error


def test_a_cancelled_run_ends_at_a_checkpoint(make_run: MakeRun, background: Background) -> None:
    run = make_run(steps=1000, pause=0.1)
    thread = background(lambda: execute(run))
    wait_for_state(run, RunState.RUNNING)
    request_cancel(run)
    assert run.state == RunState.CANCELLING
    wait_for_state(run, RunState.CANCELLED)
    thread.join(5)
    assert run.finished_at is not None
    assert child_of_this_process() is None


def test_a_cancelled_run_that_does_not_listen_is_killed_after_its_grace(make_run: MakeRun, background: Background) -> None:
    run = make_run(steps=1000, pause=0.1, deaf=True)
    background(lambda: execute(run, replace(FAST, cancel_grace=0.5)))
    wait_for_state(run, RunState.RUNNING)
    request_cancel(run)
    wait_for_state(run, RunState.CANCELLED)
    wait_until(lambda: child_of_this_process() is None)


def test_a_stopping_service_gives_the_run_back_and_it_goes_on_from_its_checkpoint(
    make_run: MakeRun, background: Background, broker: "Redis[bytes]"
) -> None:
    run = make_run(steps=10, pause=0.2)
    thread = background(lambda: execute(run))
    wait_until(lambda: RunEvent.objects.filter(run=run, type="checkpoint").count() >= 2)
    child = child_of_this_process()
    assert child is not None
    child.send_signal(signal.SIGTERM)
    wait_for_state(run, RunState.QUEUED)
    thread.join(5)
    run.refresh_from_db()
    assert (run.state, run.losses, run.attempt) == (RunState.QUEUED, 0, 1)
    assert broker.llen("gpu") == 1
    run = execute(run)
    assert (run.state, run.attempt) == (RunState.SUCCEEDED, 2)
    assert int(logged(run)[-1].removeprefix("begins at step ")) >= 2


def test_a_run_that_cannot_stop_is_given_back_by_force(
    make_run: MakeRun, background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKER_STOP_GRACE_SECONDS", "0.3")
    run = make_run(steps=1000, pause=0.1, deaf=True)
    thread = background(lambda: execute(run))
    wait_for_state(run, RunState.RUNNING)
    child = child_of_this_process()
    assert child is not None
    child.send_signal(signal.SIGTERM)
    wait_for_state(run, RunState.QUEUED)
    thread.join(5)
    assert run.losses == 0


def test_a_child_whose_attempt_was_taken_ends_at_once_and_writes_nothing(make_run: MakeRun, background: Background) -> None:
    run = make_run(steps=1000, pause=0.1, deaf=True)
    thread = background(lambda: execute(run))
    wait_for_state(run, RunState.RUNNING)
    Run.objects.filter(pk=run.pk).update(attempt=7, state=RunState.STARTING, progress={})
    thread.join(10)
    assert not thread.is_alive()
    run.refresh_from_db()
    assert (run.state, run.attempt, run.progress, run.losses) == (RunState.STARTING, 7, {}, 0)


def test_the_child_lives_in_a_session_of_its_own(make_run: MakeRun, background: Background) -> None:
    run = make_run(steps=1000, pause=0.1)
    background(lambda: execute(run))
    child = wait_until(child_of_this_process)
    assert child is not None
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    wait_for_state(run, RunState.RUNNING)
    request_cancel(run)
    wait_for_state(run, RunState.CANCELLED)
