"""What the tests of the local services share."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.home import ROOT


@dataclass(frozen=True)
class OrdinaryUser:
    """The user ``nobody``, who may read everything (Python and the checkout may lie below /root) but write in ``home`` only."""

    home: Path

    def command(self, command: list[str]) -> list[str]:
        """The command that runs ``command`` as this user."""
        user = pwd.getpwnam("nobody")
        capability = "+dac_read_search"
        become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        return [*become, f"--inh-caps={capability}", f"--ambient-caps={capability}", "--", *command]

    @property
    def environment(self) -> dict[str, str]:
        """Ours without the addresses of the test session, and with a home of its own."""
        kept = {name: value for name, value in os.environ.items() if name not in SERVICES}
        return {**kept, "HOME": str(self.home), "DARECLAB_HOME": str(self.home / "state")}

    def run(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        """Run ``command`` in the checkout to its end."""
        return subprocess.run(
            self.command(command), env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )


SERVICES = ("DATABASE_URL", "BROKER_URL", "STORAGE_URL", "STATIC_ROOT", "SECRET_KEY", "PORT")
"""What tests/conftest and its plugin have put in the environment, and what would change a start."""


@pytest.fixture(scope="module")
def ordinary_user() -> Iterator[OrdinaryUser]:
    """A user without rights; needs root to become one."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")
    home = Path("/var/tmp") / f"dareclab-test-{os.getpid()}"  # noqa: S108 (made here, closed to others)
    home.mkdir(mode=0o700)
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    yield OrdinaryUser(home)
    shutil.rmtree(home)
