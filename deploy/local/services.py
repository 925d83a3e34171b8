"""The services of one machine: what is started, how one sees that it is ready, and in which order it stops."""

import os
import secrets
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from celery import Celery
from kombu.exceptions import OperationalError

from deploy.local.errors import ServiceError, last_lines
from deploy.local.home import ROOT, Home
from deploy.local.postgres import Postgres
from deploy.local.process import LeashedProcess
from deploy.local.redis import Redis
from webapp.environment import envint


@dataclass
class Service:
    """One supervised service.

    Attributes:
        launch: starts it and returns its process; raises ServiceError.
        ready: whether it answers.
        stage: services stop in the order of their stages, those of one stage together.
    """

    name: str
    log: Path
    stage: int
    launch: Callable[[], LeashedProcess]
    ready: Callable[[], bool]


PREPARE_SECONDS = 600.0
WEB, WORKERS, BROKER, DATABASE = range(4)
STOP_SECONDS = {WEB: 6.0, WORKERS: 20.0}
"""A worker's child may take half of that to reach a checkpoint (WORKER_STOP_GRACE_SECONDS)."""
CONCURRENCY = {"io": 2, "gpu": 1, "serve": 1}
"""The queues that workers are started for, and how many things each worker does at the same time."""
BEAT_COMMAND = ["celery", "--quiet", "-A", "workers.app", "beat", "--loglevel", "INFO", "--pidfile="]
REAPER_COMMAND = ["workers.reaper"]
"""What follows ``python -m``. The container images, units and manifests in ``deploy/`` run the same commands; a test compares."""


def embedded_postgres(home: Home, keep_open: tuple[int, ...]) -> tuple[Service, Postgres]:
    """The embedded database as a service; its URL is known once it was launched."""
    postgres = Postgres(home.folder / "postgres", home.log("postgres"), keep_open=keep_open)
    return Service("postgres", postgres.log, DATABASE, _starter(postgres), lambda: True), postgres


def embedded_redis(home: Home, keep_open: tuple[int, ...]) -> tuple[Service, Redis]:
    """The embedded broker as a service; its URL is known once it was launched."""
    redis = Redis(home.folder / "redis", home.log("redis"), keep_open=keep_open)
    return Service("redis", redis.log, BROKER, _starter(redis), lambda: True), redis


def _starter(server: Postgres | Redis) -> Callable[[], LeashedProcess]:
    def launch() -> LeashedProcess:
        server.start()
        if server.process is None:
            raise ServiceError("The server has no process.")
        return server.process

    return launch


def python_services(home: Home, environment: dict[str, str], port: int, keep_open: tuple[int, ...]) -> list[Service]:
    """Web server, workers, beat and reaper."""
    # Only the web server: a worker's connections live as long as its task, and must not be shared with its children.
    pooled = {**environment, "DATABASE_POOL": str(envint("DATABASE_POOL", 32))}
    environment = {**environment, "DATABASE_POOL": "0"}
    web = web_command("127.0.0.1", str(port), str(envint("WEB_WORKERS", 2)))
    return [
        _service("web", WEB, web, home, pooled, keep_open, lambda: answers(f"http://127.0.0.1:{port}/healthz")),
        *(_worker(queue, concurrency, home, environment, keep_open) for queue, concurrency in CONCURRENCY.items()),
        _service("beat", WORKERS, BEAT_COMMAND, home, environment, keep_open, lambda: True),
        _service("reaper", WORKERS, REAPER_COMMAND, home, environment, keep_open, lambda: True),
    ]


def web_command(host: str, port: str, processes: str) -> list[str]:
    """What follows ``python -m`` for the web server."""
    command = ["uvicorn", "webapp.asgi:application", "--http", "webapp.prompt:PromptProtocol", "--host", host, "--port", port]
    command += ["--timeout-graceful-shutdown", "3", "--log-config", "webapp/logs/uvicorn.json"]
    # A busy machine is no reason to kill a process that will answer.
    return [*command, "--workers", processes, "--timeout-worker-healthcheck", "60"]


def worker_command(queue: str, node: str, concurrency: str) -> list[str]:
    """What follows ``python -m`` for a worker of one queue that is called ``node``."""
    command = ["celery", "--quiet", "-A", "workers.app", "worker", "--queues", queue]
    return [
        *command,
        "--hostname",
        node,
        "--concurrency",
        concurrency,
        "--prefetch-multiplier",
        "1",
        "--pool",
        "prefork",
        "--loglevel",
        "INFO",
        "--without-gossip",
        "--without-mingle",
    ]


def _worker(queue: str, concurrency: int, home: Home, environment: dict[str, str], keep_open: tuple[int, ...]) -> Service:
    node = f"{queue}-{secrets.token_hex(3)}@{socket.gethostname()}"
    command = worker_command(queue, node, str(concurrency))
    # The engine sets the number of threads itself, run by run.
    without = {name: value for name, value in environment.items() if name != "OMP_NUM_THREADS"}
    return _service(f"worker-{queue}", WORKERS, command, home, without, keep_open, lambda: pings(environment["BROKER_URL"], node))


def _service(
    name: str,
    stage: int,
    command: list[str],
    home: Home,
    environment: dict[str, str],
    keep_open: tuple[int, ...],
    ready: Callable[[], bool],
) -> Service:
    log = home.log(name)

    def launch() -> LeashedProcess:
        process = LeashedProcess(
            [sys.executable, "-m", *command], log, environment, ROOT, stop_seconds=STOP_SECONDS[stage], keep_open=keep_open
        )
        process.start()
        return process

    return Service(name, log, stage, launch, ready)


def answers(url: str) -> bool:
    """Whether a web server answers at ``url``, be it with an error."""
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  # nosec B310  # our own http address
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True


def pings(broker: str, node: str) -> bool:
    """Whether the Celery worker ``node`` answers over the broker."""
    try:
        with Celery(broker=broker, set_as_current=False) as app:
            return bool(app.control.ping(destination=[node], timeout=0.5))
    except (OperationalError, OSError):
        return False


def prepare(home: Home, environment: dict[str, str], keep_open: tuple[int, ...]) -> None:
    """Bring the tables and the static files up to date, side by side; raises ServiceError with the end of a log."""
    running: list[LeashedProcess] = []
    try:
        for arguments in (["migrate", "--noinput"], ["collectstatic", "--noinput", "--verbosity", "0"]):
            command = [sys.executable, str(ROOT / "manage.py"), *arguments]
            process = LeashedProcess(command, home.log(arguments[0]), environment, ROOT, keep_open=keep_open)
            running.append(process)
            process.start()
        for process in running:
            process.wait(PREPARE_SECONDS)
    finally:
        for process in running:
            process.stop()
    for process in running:
        if process.status:
            what = f"manage.py {process.command[2]} failed with status {process.status}."
            raise ServiceError(what, f"Its log: {process.log}\n{last_lines(process.log)}")


def service_environment(home: Home, database: str, broker: str) -> dict[str, str]:
    """The environment of every service: ours, and the addresses."""
    environment = dict(os.environ)
    for name, value in (("DATABASE_URL", database), ("BROKER_URL", broker)):
        environment[name] = value
        environment.pop(f"{name}_FILE", None)
    if not (os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")):
        environment["SECRET_KEY"] = home.secret_key()
    if not (os.environ.get("STORAGE_URL") or os.environ.get("STORAGE_URL_FILE")):
        environment["STORAGE_URL"] = f"file://{home.folder / 'storage'}"
    environment.setdefault("STATIC_ROOT", str(home.folder / "static"))
    environment.setdefault("DARECLAB_CACHE", str(home.folder / "cache"))
    environment["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
    environment["PYTHONUNBUFFERED"] = "1"
    return environment
