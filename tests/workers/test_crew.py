import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.workers.fixtures import FAST, Run, RunState, child_of_this_process, storage_root
from tests.workers.stand_in import PROCESS
from tests.workers.waiting import wait_until
from workers.claims import claim_run
from workers.crew import Order, work
from workers.timings import Timings

MakeRun = Callable[..., Run]
WARM = replace(FAST, warm=60)
pytestmark = [pytest.mark.usefixtures("stand_in"), pytest.mark.services]


@pytest.fixture
def do(tmp_path: Path) -> Callable[..., int]:
    """Claims a run and has it done; returns the number of the process that did it."""

    def do(run: Run, keep: str = "", timings: Timings = WARM) -> int:
        attempt = claim_run(run.pk)
        assert attempt is not None
        assert work(Order("run", run.pk, str(tmp_path), attempt.number), timings, lambda: False, keep) == 0
        run.refresh_from_db()
        return int((storage_root() / run.folder_key / PROCESS).read_text())

    return do


@pytest.fixture(autouse=True)
def nobody_stays(do: Callable[..., int], make_run: MakeRun) -> object:
    """After each test: a fresh process takes the place of whatever was kept, and ends."""
    yield
    do(make_run())
    assert child_of_this_process() is None


def test_work_of_one_sort_shares_a_process(make_run: MakeRun, do: Callable[..., int]) -> None:
    runs = [make_run(), make_run(steps=5), make_run()]
    assert len({do(run, "search 1") for run in runs}) == 1
    assert all(run.state == RunState.SUCCEEDED for run in runs)


def test_other_work_has_a_process_of_its_own_and_only_one_is_there(make_run: MakeRun, do: Callable[..., int]) -> None:
    processes = [do(make_run(), name) for name in ("search 1", "search 2", "", "", "search 1")]
    assert len(set(processes)) == 5
    assert [child.pid for child in psutil.Process().children() if child.pid in processes] == processes[-1:]


@pytest.mark.parametrize("kind", ["user", "fault", "memory"])
def test_a_process_in_which_a_run_failed_is_not_used_again(kind: str, make_run: MakeRun, do: Callable[..., int]) -> None:
    failing = make_run(fail=kind)
    first = do(failing, "search 1")
    assert failing.state == RunState.FAILED
    assert not psutil.pid_exists(first)
    assert do(make_run(), "search 1") != first


def test_a_process_that_waits_too_long_is_ended(make_run: MakeRun, do: Callable[..., int]) -> None:
    process = do(make_run(), "search 1", replace(FAST, warm=0.2))
    wait_until(lambda: not psutil.pid_exists(process), 20)
    assert do(make_run(), "search 1") != process


def test_each_wait_has_its_own_time(make_run: MakeRun, do: Callable[..., int]) -> None:
    """The clock of an earlier wait is stopped when the process gets work."""
    for _ in range(3):
        do(make_run(), "search 1")
    wait_until(lambda: sum(isinstance(thread, threading.Timer) for thread in threading.enumerate()) == 1, 10)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_dies_while_it_waits_is_replaced(by: signal.Signals, make_run: MakeRun, do: Callable[..., int]) -> None:
    process = do(make_run(), "search 1")
    os.kill(process, by)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    run = make_run()
    assert do(run, "search 1") != process
    assert run.state == RunState.SUCCEEDED
