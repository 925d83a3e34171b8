"""The web server as ``make up`` starts it, on a database of its own that is full."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from deploy.local.home import ROOT, Home
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.redis import Redis
from deploy.local.services import prepare, python_services, service_environment

_START_SECONDS = 60.0
_PLANT_SECONDS = 900.0


@dataclass(frozen=True)
class FullSite:
    """``address`` of the web server, URL of the ``database``, what was planted there, and process ids of both servers.

    Attributes:
        environment: of commands that are to see the same site.
        storage: its folder.
    """

    address: str
    database: str
    planted: dict[str, Any]
    servers: tuple[int, ...]
    environment: dict[str, str]
    storage: Path

    def busy_seconds(self) -> float:
        """Processor seconds that the servers have taken so far; those of connections that were closed are not all in it."""
        return processor_seconds(self.servers)


def processor_seconds(processes: Iterable[int]) -> float:
    """What processes and their children have taken so far."""
    total = 0.0
    for one in processes:
        found = psutil.Process(one)
        for process in (found, *found.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                used = process.cpu_times()
                total += used.user + used.system
    return total


@contextmanager
def full_site(runs: int, points: int, settings: Mapping[str, str] | None = None) -> Iterator[FullSite]:
    """Start database, broker and web server (with ``settings`` in its environment); stop and remove them in the end."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="dareclab-pages-"))
        folder.chmod(0o755)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        home = Home(folder)
        home.make()
        postgres = Postgres(folder / "postgres", home.log("postgres"))
        stack.callback(postgres.remove)
        database = postgres.start()
        redis = Redis(folder / "redis", home.log("redis"))
        stack.callback(redis.stop)
        environment = service_environment(home, database, redis.start())
        environment |= dict(settings or {})
        environment |= {"STATIC_ROOT": str(folder / "static"), "STORAGE_URL": f"file://{folder / 'storage'}"}
        prepare(home, environment, ())
        command = [sys.executable, "-m", "tests.benchmarks.pages.planting", str(runs), str(points)]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, check=True, timeout=_PLANT_SECONDS, stdout=subprocess.PIPE, text=True
        )
        port = free_port()
        web = next(service for service in python_services(home, environment, port, ()) if service.name == "web")
        process = web.launch()
        stack.callback(process.stop)
        deadline = time.monotonic() + _START_SECONDS
        while not web.ready():
            if time.monotonic() > deadline or not process.running:
                raise TimeoutError(f"the web server does not answer: {web.log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(0.1)
        servers = tuple(pid for pid in (process.pid, postgres.process.pid if postgres.process else None) if pid)
        planted = json.loads(done.stdout.splitlines()[-1])
        yield FullSite(f"http://127.0.0.1:{port}", database, planted, servers, environment, folder / "storage")
