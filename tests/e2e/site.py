"""The real thing for browser tests: database, broker, web server, workers and reaper, started by the one command."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.home import ROOT

_SESSION = ("DATABASE_URL", "BROKER_URL", "STORAGE_URL", "STATIC_ROOT", "SECRET_KEY", "PORT")
"""What the test session's plugin has put in the environment; the site has its own."""


@dataclass(frozen=True)
class Site:
    """A running site and somebody who may do everything on it."""

    address: str
    username: str
    password: str
    environment: dict[str, str]

    def shell(self, code: str) -> str:
        """What ``code`` prints in Django's shell on the running site."""
        return _shell(self.environment, code)


@contextmanager
def running_site() -> Iterator[Site]:
    """Start everything in a folder of its own, make an account, and stop everything in the end."""
    folder = Path(tempfile.mkdtemp(prefix="dareclab-e2e-"))
    # Postgres runs as another user if we are root, and must reach its folder.
    folder.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name not in _SESSION}
    environment["DARECLAB_HOME"] = str(folder)
    command = [sys.executable, "-m", "deploy.local", "up"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        address = _wait_for_address(process)
        password = secrets.token_urlsafe(12)
        code = (
            "from webapp.accounts.actions import ensure_account; "
            f"ensure_account('alice', {password!r}, 'Shop', 'admin'); ensure_account('bob', {password!r}, 'Shop', 'viewer')"
        )
        _shell(environment, code)
        yield Site(address, "alice", password, environment)
    finally:
        process.terminate()
        process.communicate(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


def _shell(environment: dict[str, str], code: str) -> str:
    command = [sys.executable, "-m", "deploy.local", "manage", "shell", "-v", "0", "-c", code]
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=120, stdout=subprocess.PIPE, text=True)
    return done.stdout


def _wait_for_address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "serves http://" in line:
            return line.split("serves ", 1)[1].split()[0].rstrip("/")
    raise AssertionError(f"the services did not start:\n{''.join(said)}")
