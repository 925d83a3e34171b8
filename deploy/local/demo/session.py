"""The services that the demo works with: those that run already, or its own."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.local.errors import ServiceError, SetupError
from deploy.local.home import ROOT, Home, Lock
from deploy.local.process import LeashedProcess

START_SECONDS = 240.0
STOP_SECONDS = 90.0


class Session:
    """Running services.

    Attributes:
        published: what the supervisor tells: ``address``, ``environment``, ``services``.
        own: whether they were started for this session, and end with it.
    """

    def __init__(self, home: Home, process: LeashedProcess | None) -> None:
        self.home = home
        self.process = process
        self.published: dict[str, Any] = {}

    @property
    def own(self) -> bool:
        """Whether the services belong to this session."""
        return self.process is not None

    @property
    def address(self) -> str:
        """Address of the web server, with a slash at its end."""
        return str(self.published["address"])

    def check(self) -> None:
        """Raise ServiceError if the supervisor has gone."""
        if self.process is not None and not self.process.running:
            raise _failure(self.home, self.process)
        if self.process is None and Lock(self.home).holder() is None:
            raise ServiceError("The services were stopped by somebody else.")

    def wait_until_ready(self) -> None:
        """Wait until every service is ready; raises ServiceError or SetupError with what the supervisor said."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            published = Lock(self.home).published()
            if published and published["complete"]:
                self.published = published
                return
            time.sleep(0.1)
        raise ServiceError(f"The services are not ready after {START_SECONDS:.0f} seconds.", f"See {self.home.logs}.")


@contextmanager
def services(home: Home) -> Iterator[Session]:
    """Services that are ready; those started here are stopped at the end."""
    if Lock(home).holder() is not None:
        session = Session(home, None)
        session.wait_until_ready()
        yield session
        return
    log = home.folder / "up.log"
    if home.folder.is_dir():
        log.unlink(missing_ok=True)
    else:
        home.make()
    process = LeashedProcess([sys.executable, "-m", "deploy.local", "up"], log, folder=ROOT, stop_seconds=STOP_SECONDS)
    try:
        process.start()
        session = Session(home, process)
        session.wait_until_ready()
        yield session
    finally:
        process.stop()


def _failure(home: Home, process: LeashedProcess) -> ServiceError:
    text = (home.folder / "up.log").read_text(encoding="utf-8").strip()
    kind = SetupError if process.status == 2 else ServiceError
    return kind("The services could not be started or have stopped:", text)
