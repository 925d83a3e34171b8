"""Starts the services of one machine, watches them, starts again what dies, and stops all of it."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.local import addresses
from deploy.local.errors import ServiceError, last_lines
from deploy.local.home import Home, Lock
from deploy.local.leash import PR_SET_CHILD_SUBREAPER, kill_descendants, prctl
from deploy.local.process import LeashedProcess
from deploy.local.services import (
    Service,
    embedded_postgres,
    embedded_redis,
    prepare,
    python_services,
    service_environment,
)
from deploy.local.signals import StopRequested, StopSignals

START_SECONDS = 120.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
HEALTHY_SECONDS = 60.0
WATCH_SECONDS = 0.2


def say(text: str) -> None:
    """A line on the terminal, which may have been closed meanwhile."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (for the rest of our life)


@dataclass
class _Watched:
    service: Service
    process: LeashedProcess | None = None
    state: str = "waiting"
    started: float = 0.0
    retry_at: float = 0.0
    pause: float = FIRST_PAUSE
    restarts: int = 0


class Supervisor:
    """Runs everything until a signal comes. Use it from the main thread, once.

    Args:
        home: the state folder.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.watched: list[_Watched] = []
        self.address = ""
        self.complete = False
        self.environment: dict[str, str] = {}
        self._signals = StopSignals()

    def run(self) -> None:
        """Start, watch, and stop at a signal. Raises SetupError before anything is written, ServiceError afterwards."""
        lock = Lock(self.home)
        lock.refuse_second()
        addresses.check_settings()
        database, broker, port = addresses.database_url(), addresses.broker_url(), addresses.web_port()
        self.home.make()
        self._signals.listen()
        try:
            lock.take()
            try:
                prctl(PR_SET_CHILD_SUBREAPER, 1)
                self._start(database, broker, port, (lock.descriptor,))
                while True:
                    time.sleep(WATCH_SECONDS)
                    self._watch()
            finally:
                self._signals.stopping = True
                self._stop()
                self.home.unpublish()
                lock.release()
        except StopRequested:
            say("stopped")

    def _start(self, database: str | None, broker: str | None, port: int, keep_open: tuple[int, ...]) -> None:
        if database is None:
            service, postgres = embedded_postgres(self.home, keep_open)
            self._launch_first(service)
            database = postgres.url
        if broker is None:
            service, redis = embedded_redis(self.home, keep_open)
            self._launch_first(service)
            broker = redis.url
        self.environment = service_environment(self.home, database, broker)
        prepare(self.home, self.environment, keep_open)
        self.address = f"http://127.0.0.1:{port}/"
        first = len(self.watched)
        for service in python_services(self.home, self.environment, port, keep_open):
            self._launch(self._add(service))
        for watched in self.watched[first:]:
            self._wait_until_ready(watched)
        self.complete = True
        self._publish()
        if not addresses.has_accounts(database):
            say("Nobody has an account yet. Make one: .venv/bin/python -m deploy.local manage createsuperuser")
        say(f"DARec Lab serves {self.address}  (Ctrl-C stops it)")

    def _add(self, service: Service) -> _Watched:
        self.watched.append(_Watched(service))
        return self.watched[-1]

    def _launch_first(self, service: Service) -> None:
        watched = self._add(service)
        self._launch(watched)
        self._wait_until_ready(watched)

    def _launch(self, watched: _Watched) -> None:
        watched.state = "starting"
        watched.started = time.monotonic()
        watched.process = watched.service.launch()

    def _wait_until_ready(self, watched: _Watched) -> None:
        service, process = watched.service, watched.process
        while process is not None and process.running and time.monotonic() < watched.started + START_SECONDS:
            if service.ready():
                watched.state = "ready"
                self._tell(watched)
                return
            time.sleep(WATCH_SECONDS)
        status = process.status if process else None
        what = f"ended with status {status}" if status is not None else f"is not ready after {START_SECONDS:.0f} seconds"
        raise ServiceError(f"{service.name} {what}.", f"Its log: {service.log}\n{last_lines(service.log)}")

    def _watch(self) -> None:
        now = time.monotonic()
        for watched in self.watched:
            if watched.state == "waiting":
                if now >= watched.retry_at:
                    self._try_again(watched)
            elif watched.process is None or not watched.process.running:
                self._kill_orphans()
                self._plan_restart(watched, f"ended with status {watched.process.status if watched.process else None}")
            elif watched.state == "starting" and watched.service.ready():
                watched.state = "ready"
                self._tell(watched)

    def _plan_restart(self, watched: _Watched, what: str) -> None:
        if time.monotonic() - watched.started > HEALTHY_SECONDS:
            watched.pause = FIRST_PAUSE
        watched.state = "waiting"
        watched.retry_at = time.monotonic() + watched.pause
        self._tell(watched, f"{what}; next start in {watched.pause:.0f} s")
        watched.pause = min(2 * watched.pause, LONGEST_PAUSE)

    def _try_again(self, watched: _Watched) -> None:
        watched.restarts += 1
        try:
            self._launch(watched)
        except ServiceError as error:
            self._plan_restart(watched, error.message)

    def _kill_orphans(self) -> None:
        """Kill what a killed leash left to us."""
        ours = {watched.process.pid for watched in self.watched if watched.process}
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()
        for child in map(int, children):
            if child in ours:
                continue
            kill_descendants(child)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def _stop(self) -> None:
        if self.watched:
            say("stopping")
        for stage in sorted({watched.service.stage for watched in self.watched}):
            group = [watched for watched in self.watched if watched.service.stage == stage]
            for each in (self._ask, self._wait_for_end):
                for watched in group:
                    each(watched)
        kill_descendants(os.getpid())

    @staticmethod
    def _ask(watched: _Watched) -> None:
        if watched.process:
            watched.process.ask_to_stop()

    @staticmethod
    def _wait_for_end(watched: _Watched) -> None:
        if watched.process:
            watched.process.stop()
        watched.state = "stopped"

    def _tell(self, watched: _Watched, state: str = "") -> None:
        now = datetime.now(UTC).astimezone()
        say(f"{now:%H:%M:%S}  {watched.service.name:<12} {state or watched.state:<9} {watched.service.log}")
        self._publish()

    def _publish(self) -> None:
        self.home.publish(
            {
                "supervisor": os.getpid(),
                "address": self.address,
                "complete": self.complete,
                "environment": {name: self.environment[name] for name in _SHARED if name in self.environment},
                "services": [
                    {
                        "name": watched.service.name,
                        "state": watched.state,
                        "process": watched.process.pid if watched.process else None,
                        "restarts": watched.restarts,
                        "log": str(watched.service.log),
                    }
                    for watched in self.watched
                ],
            }
        )


_SHARED = ("DATABASE_URL", "BROKER_URL", "STORAGE_URL", "STATIC_ROOT", "SECRET_KEY", "SECRET_KEY_FILE", "DJANGO_SETTINGS_MODULE")
"""What another process of this machine needs to work with the running services."""
