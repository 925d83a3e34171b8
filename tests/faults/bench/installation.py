"""The processes of a small installation, which are killed and started again, as a supervisor would."""

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil

from deploy.local.home import ROOT
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.redis import Redis
from deploy.local.services import REAPER_COMMAND, web_command
from tests.faults.bench.traces import VARIABLE

APP = "tests.faults.bench.app"
CLOCKS = {
    "beat": 0.5,
    "give_up": 12,
    "silence": 15,
    "look": 0.5,
    "quiet_start": 15,
    "resend_after": 2,
    "write": 0.1,
    "warm": 20,
    "serve_warm": 60,
    "suggest": 20,
    "stand_still": 2,
}
"""Shorter than a server's, so that 50 kills take minutes; a fault is noticed after ``silence`` + ``look`` instead of 30 + 5 s."""


class Installation:
    """Web server, two gpu workers, an io and a serve worker, beat and reaper, with a Postgres and a Redis of their own.

    Use it from the main thread. ``environment`` is that of the services, and goes into this process's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.traces = folder / "traces"
        self.traces.mkdir()
        (folder / "static").mkdir()
        self.postgres, self.redis = Postgres(folder / "postgres", durable=False), Redis(folder / "redis")
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = 0
        self.environment: dict[str, str] = {}

    def begin(self) -> None:
        """Start the servers, make the tables, start all else."""
        self.environment = {
            "DATABASE_URL": self.postgres.start(),
            "BROKER_URL": self.redis.start(),
            "STORAGE_URL": f"file://{self.folder / 'storage'}",
            "DARECLAB_CACHE": str(self.folder / "cache"),
            "STATIC_ROOT": str(self.folder / "static"),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            VARIABLE: str(self.traces),
            **{f"WORKER_{name.upper()}_SECONDS": str(seconds) for name, seconds in CLOCKS.items()},
        }
        os.environ |= self.environment
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], check=True, cwd=ROOT)
        self.keep()

    def commands(self) -> Mapping[str, list[str]]:
        """What follows ``python -m`` for each service."""
        worker = ["celery", "-A", APP, "worker", "--without-mingle", "--without-gossip"]
        return {
            "gpu-1": [*worker, "-n", "gpu-1@%h", "-Q", "gpu"],
            "gpu-2": [*worker, "-n", "gpu-2@%h", "-Q", "gpu"],
            "io": [*worker, "-n", "io@%h", "-Q", "io", "--concurrency", "2"],
            "serve": [*worker, "-n", "serve@%h", "-Q", "serve"],
            "beat": ["celery", "-A", APP, "beat", "--pidfile="],
            "reaper": REAPER_COMMAND,
            "web": web_command("127.0.0.1", str(self.port), "1"),
        }

    def keep(self) -> None:
        """Start what does not run."""
        for name, command in self.commands().items():
            known = self.processes.get(name)
            if known is None or known.poll() is not None:
                self.restarts += known is not None
                with (self.folder / f"{name}.log").open("ab") as log:
                    self.processes[name] = subprocess.Popen([sys.executable, "-m", *command], stdout=log, stderr=log, cwd=ROOT)

    def strike(self, name: str, number: signal.Signals) -> int:
        """Send the signal to a service's first process; returns its number."""
        self.processes[name].send_signal(number)
        return self.processes[name].pid

    def lose_redis(self, away: float) -> None:
        """Kill Redis, and start it again, empty, after ``away`` seconds."""
        _kill_server(self.redis, signal.SIGKILL)
        time.sleep(away)
        self.redis.start()

    def lose_postgres(self, away: float) -> None:
        """Stop Postgres at once, as a crash would, and start it again after ``away`` seconds: it recovers from its log."""
        _kill_server(self.postgres, signal.SIGQUIT)
        time.sleep(away)
        self.postgres.start()

    def answers(self) -> bool:
        """Whether every process runs, and the web server answers."""
        if any(process.poll() is not None for process in self.processes.values()):
            return False
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2).close()
        except OSError:
            return False
        return True

    def end(self) -> None:
        """Kill everything, and remove the database."""
        for process in self.processes.values():
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.kill()
            process.wait()
            for member in family:
                if member.is_running():
                    member.kill()
            psutil.wait_procs(family, 20)
        self.redis.stop()
        self.postgres.remove()


def _kill_server(server: Postgres | Redis, number: signal.Signals) -> None:
    """To the server itself, which is the child of its leash."""
    assert server.process is not None
    assert server.process.pid is not None
    (process,) = psutil.Process(server.process.pid).children()
    process.send_signal(number)
    server.process.wait(60)
