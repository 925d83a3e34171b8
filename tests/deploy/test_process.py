"""A leashed process ends with us, and takes everything below it along."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.process import LeashedProcess
from tests.support.processes import alive, tree, wait_until

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
FAMILY = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("ready", flush=True)
time.sleep(600)
"""
OWNER = """
import sys, time
from pathlib import Path
from deploy.local.process import LeashedProcess
process = LeashedProcess([sys.executable, "-c", sys.argv[1]], Path(sys.argv[2]), stop_seconds=1)
process.start()
time.sleep(600)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "service.log"


def _says_ready(log: Path) -> bool:
    return log.exists() and "ready" in log.read_text()


@pytest.fixture
def family(log: Path) -> Iterator[LeashedProcess]:
    process = LeashedProcess([sys.executable, "-c", FAMILY], log, stop_seconds=5)
    process.start()
    wait_until(lambda: _says_ready(log))
    yield process
    process.stop()


def test_exit_status_and_output_are_kept(log: Path) -> None:
    process = LeashedProcess([sys.executable, "-c", "print('hello'); raise SystemExit(7)"], log)
    process.start()
    assert process.wait(10)
    assert process.status == 7
    assert log.read_text() == "hello\n"


def test_a_killed_command_shows_its_signal(family: LeashedProcess) -> None:
    assert family.pid is not None
    psutil.Process(family.pid).children()[0].kill()
    assert family.wait(10)
    assert family.status == 128 + signal.SIGKILL


def test_stop_ends_what_the_command_left_in_a_session_of_its_own(family: LeashedProcess) -> None:
    assert family.pid is not None
    processes = tree(family.pid)
    assert len(processes) == 3
    family.stop()
    assert alive(processes) == []


def test_a_command_that_ignores_the_signal_is_killed_after_the_limit(log: Path) -> None:
    process = LeashedProcess([sys.executable, "-c", STUBBORN], log, stop_seconds=0.5)
    process.start()
    wait_until(lambda: _says_ready(log))
    begin = time.monotonic()
    process.stop()
    assert 0.4 < time.monotonic() - begin < 5
    assert process.status == 128 + signal.SIGKILL


def test_the_stop_signal_can_be_chosen(log: Path) -> None:
    program = "import signal, sys, time; signal.signal(signal.SIGINT, lambda *_: sys.exit(5)); print('ready', flush=True); "
    program += "time.sleep(600)"
    process = LeashedProcess([sys.executable, "-c", program], log, stop_signal="SIGINT")
    process.start()
    wait_until(lambda: _says_ready(log))
    process.stop()
    assert process.status == 5


@pytest.mark.parametrize("program", [STUBBORN, FAMILY], ids=["stubborn", "family"])
def test_all_die_when_their_owner_is_killed(program: str, log: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, program, str(log)])
    wait_until(lambda: _says_ready(log))
    processes = tree(owner.pid)
    assert len(processes) >= 3
    owner.kill()
    owner.wait()
    wait_until(lambda: not alive(processes))


def test_all_die_when_the_leash_is_killed(family: LeashedProcess) -> None:
    assert family.pid is not None
    leash, command, _ = tree(family.pid)
    leash.kill()
    wait_until(lambda: not alive([leash, command]))
