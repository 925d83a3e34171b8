"""Rows, folders and processes for the tests of the workers and of faults."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from redis import Redis

from engine.data.generated import generate
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.presets import get_preset
from engine.spec import FilterSpec
from tests.workers.waiting import wait_until
from webapp.accounts.models import Project
from webapp.datasets.models import Dataset, Version, VersionState
from webapp.experiments.models import Run, RunState
from webapp.storage import local_root
from workers import crew
from workers.attempts import RunAttempt
from workers.claims import claim_run
from workers.timings import Timings

FAST = Timings(
    beat=0.1, give_up=25, silence=30, look=0.1, quiet_start=0, resend_after=0, cancel_grace=30, write=0.1, warm=0, ingest_wall=60
)
"""Clocks for tests: everything that a test waits for happens at once, and every limit is far away, on a busy machine too."""


def storage_root() -> Path:
    """The folder of the storage."""
    root = local_root()
    assert root is not None
    return root


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated version."""
    raw = tmp_path_factory.mktemp("raw")
    generate(raw, users=60, items=80, seed=1)
    folder = tmp_path_factory.mktemp("prepared") / "version"
    prepare(read_raw(raw), FilterSpec(core=2), folder)
    return folder


@pytest.fixture
def database(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables that child processes see too: DATABASE_URL names the test database, WORKER_*_SECONDS the fast clocks."""
    values = connection.settings_dict
    host, port = values["HOST"] or "127.0.0.1", values["PORT"] or 5432
    user, password = quote(values["USER"], safe=""), quote(values["PASSWORD"], safe="")
    where = f"{user}:{password}@{quote(host, safe='')}:{port}"
    monkeypatch.setenv("DATABASE_URL", f"postgresql://{where}/{values['NAME']}")
    for name, seconds in vars(FAST).items():
        monkeypatch.setenv(f"WORKER_{name.upper()}_SECONDS", str(seconds))


@pytest.fixture
def broker() -> Iterator["Redis[bytes]"]:
    """The session's broker, without messages."""
    with Redis.from_url(settings.BROKER_URL) as redis:
        redis.delete("gpu", "io", "serve", "unacked", "unacked_index")
        yield redis
        redis.delete("gpu", "io", "serve", "unacked", "unacked_index")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children started from this process have the stand-in's engine."""
    monkeypatch.setattr(crew, "CHILD", (sys.executable, "-m", "tests.workers.stand_in"))


@pytest.fixture
def dataset(database: None, broker: object) -> Dataset:
    project = Project.objects.create(name="Lab", slug="lab")
    return Dataset.objects.create(project=project, name="books")


@pytest.fixture
def version(dataset: Dataset, prepared_folder: Path) -> Version:
    """A version that is ready."""
    key = f"versions/test-{dataset.pk}"
    target = storage_root() / key
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.symlink_to(prepared_folder, target_is_directory=True)
    return Version.objects.create(dataset=dataset, number=1, state=VersionState.READY, upload_key="uploads/none", storage_key=key)


@pytest.fixture
def make_run(version: Version) -> Callable[..., Run]:
    """A queued run whose stand-in engine behaves as the keyword arguments say."""

    def make(spec: dict[str, Any] | None = None, preset: str = "popularity", **behaviour: Any) -> Run:
        values = get_preset(preset).spec(spec or {}).model_dump(mode="json")
        run = Run.objects.create(
            project=version.dataset.project,
            version=version,
            method=values["method"]["id"],
            spec=values,
            state=RunState.QUEUED,
            queued_at=timezone.now(),
        )
        run.folder_key = f"runs/test-{run.pk}-{os.urandom(4).hex()}"
        run.save()
        folder = storage_root() / run.folder_key
        folder.mkdir(parents=True)
        (folder / "behaviour.json").write_text(json.dumps(behaviour))
        return run

    return make


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    """A queued run."""
    return make_run()


@pytest.fixture
def attempt(run: Run) -> RunAttempt:
    """The claimed first attempt at ``run``."""
    claimed = claim_run(run.pk)
    assert claimed is not None
    return claimed


@pytest.fixture
def background() -> Iterator[Callable[[Callable[[], Any]], threading.Thread]]:
    """Runs a call in a thread of this process, and waits for it at the end."""
    threads = []

    def start(call: Callable[[], Any]) -> threading.Thread:
        def body() -> None:
            try:
                call()
            finally:
                connection.close()

        thread = threading.Thread(target=body)
        threads.append(thread)
        thread.start()
        return thread

    yield start
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts ``python -m ...`` with its output in a file, and kills it at the end."""
    processes: list[tuple[subprocess.Popen[bytes], Path]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        log = tmp_path / f"process-{len(processes)}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments], stdout=sink, stderr=sink, env={**os.environ, **environment}
            )
        processes.append((process, log))
        return process

    yield start
    for process, log in processes:
        _kill_family(process)
        sys.stdout.write(log.read_text(errors="replace"))


@pytest.fixture
def start_worker(start_process: Callable[..., "subprocess.Popen[bytes]"]) -> Callable[..., "subprocess.Popen[bytes]"]:
    """Starts a real Celery worker for some queues, with the stand-in engine unless told otherwise."""

    def start(queues: str, app: str = "tests.workers.stand_in_app") -> "subprocess.Popen[bytes]":
        # Without what only slows the start: neighbours that greet each other.
        return start_process("celery", "-A", app, "worker", "-Q", queues, "--without-mingle", "--without-gossip")

    return start


def _kill_family(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all that it started, and wait until they are gone."""
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, 10)
    process.wait(10)


def child_of_this_process() -> psutil.Process | None:
    """The child that ``supervise_*``, called in this process, has started."""
    for child in psutil.Process().children():
        if {"tests.workers.stand_in", "workers.child"} & set(child.cmdline()):
            return child
    return None


def in_state(run: Run, *states: RunState) -> Callable[[], bool]:
    """Asks whether ``run`` is in one of ``states``; refreshes it."""

    def ask() -> bool:
        run.refresh_from_db()
        return run.state in states

    return ask


def wait_for_state(run: Run, *states: RunState, seconds: float = 30) -> None:
    """Wait until ``run`` is in one of ``states``."""
    try:
        wait_until(in_state(run, *states), seconds)
    except AssertionError as error:
        events = list(run.events.values_list("attempt", "type", "payload"))
        raise AssertionError(f"{run} is {run.state}, not {states}; {run.error}; events: {events}") from error
