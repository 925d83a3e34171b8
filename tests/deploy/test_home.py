"""The state folder and its lock."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.errors import SetupError
from deploy.local.home import LOG_BYTES, Home, Lock
from tests.support.processes import wait_until

HOLDER = """
import sys, time
from pathlib import Path
from deploy.local.home import Home, Lock
from deploy.local.process import LeashedProcess
lock = Lock(Home(Path(sys.argv[1])))
lock.take()
program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
LeashedProcess([sys.executable, "-c", program], Path(sys.argv[1]) / "log", stop_seconds=1, keep_open=(lock.descriptor,)).start()
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "state")
    home.make()
    return home


def test_the_secret_key_is_made_once_and_is_secret(home: Home) -> None:
    key = home.secret_key()
    assert len(key) >= 50
    assert home.secret_key() == key
    assert stat.S_IMODE((home.folder / "secret_key").stat().st_mode) == 0o600


def test_a_large_log_is_put_aside(home: Home) -> None:
    path = home.log("web")
    path.write_bytes(b"x" * (LOG_BYTES + 1))
    assert not home.log("web").exists()
    assert (home.logs / "web.log.1").exists()


def test_what_runs_is_told_by_its_supervisor_only(home: Home) -> None:
    lock = Lock(home)
    assert lock.published() is None
    lock.take()
    home.publish({"supervisor": os.getpid(), "address": "http://127.0.0.1:1/"})
    assert lock.published() == {"supervisor": os.getpid(), "address": "http://127.0.0.1:1/"}
    assert stat.S_IMODE((home.folder / "services.json").stat().st_mode) == 0o600
    home.publish({"supervisor": 1, "address": "http://127.0.0.1:1/"})
    assert lock.published() is None
    home.unpublish()
    assert lock.published() is None
    lock.release()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="DARECLAB_HOME"):
        Home(tmp_path / "file" / "state").make()


def test_only_one_holds_the_lock(home: Home) -> None:
    first = Lock(home)
    first.take()
    assert Lock(home).holder() == os.getpid()
    assert Lock(home).held()
    with pytest.raises(SetupError, match=f"runs already \\(process {os.getpid()}\\)"):
        Lock(home).take()
    first.release()
    assert Lock(home).holder() is None
    assert not Lock(home).held()


def test_the_lock_waits_for_services_of_a_killed_supervisor(home: Home) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(home.folder)]) as holder:
        log = home.folder / "log"
        wait_until(lambda: log.exists() and "ready" in log.read_text())
        assert Lock(home).holder() == holder.pid
        holder.kill()
    assert Lock(home).holder() is None
    assert Lock(home).held()
    second = Lock(home)
    second.take(seconds=10)
    assert Lock(home).holder() == os.getpid()
    second.release()
