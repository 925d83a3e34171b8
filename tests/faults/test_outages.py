"""The broker or the database goes away and comes back."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from deploy.local.postgres import Postgres
from deploy.local.redis import Redis as EmbeddedRedis
from tests.workers.fixtures import FAST, Run, RunState, Version, wait_for_state
from tests.workers.waiting import wait_until
from webapp import broker as web_broker
from webapp.experiments.models import RunEvent
from workers.claims import claim_run
from workers.supervisor import supervise_run

MakeRun = Callable[..., Run]
StartProcess = Callable[..., "subprocess.Popen[bytes]"]
pytestmark = pytest.mark.services


def break_connections() -> int:
    """End every other connection to the database, as a restart does; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.fault("every connection to Postgres breaks")
@pytest.mark.usefixtures("stand_in")
def test_a_run_survives_that_its_connections_break(
    make_run: MakeRun, background: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    run = make_run(steps=30, pause=0.1)
    attempt = claim_run(run.pk)
    assert attempt is not None
    background(lambda: supervise_run(attempt, FAST))
    for number in range(2, 12, 3):
        wait_until(lambda number=number: RunEvent.objects.filter(run=run, type="checkpoint").count() >= number)  # type: ignore[misc]
        # The child may be between two connections: what it wrote in one go lets the next number come at once.
        wait_until(break_connections)
    wait_for_state(run, RunState.SUCCEEDED)
    assert (run.attempt, run.losses) == (1, 0)
    steps = RunEvent.objects.filter(run=run, type="checkpoint").values_list("payload__step", flat=True)
    assert list(steps) == list(range(1, 31))


@pytest.mark.fault("every connection to Postgres breaks")
def test_the_reaper_survives_that_its_connections_break(make_run: MakeRun, start_process: StartProcess) -> None:
    run = make_run()
    reaper = start_process("workers.reaper")
    for _ in range(3):
        wait_until(break_connections)
    assert claim_run(run.pk) is not None
    Run.objects.filter(pk=run.pk).update(heartbeat_at=None)
    wait_for_state(run, RunState.QUEUED)
    assert reaper.poll() is None


@pytest.fixture
def own_broker(tmp_path: Path, database: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedRedis]:
    """A broker that a test may stop and start, in the place of the session's."""
    redis = EmbeddedRedis(tmp_path / "redis")
    settings.BROKER_URL = redis.start()
    monkeypatch.setenv("BROKER_URL", settings.BROKER_URL)
    web_broker.producer.cache_clear()
    yield redis
    web_broker.producer.cache_clear()
    redis.stop()


@pytest.mark.fault("Redis away, and back empty")
def test_a_worker_goes_on_when_the_broker_comes_back_empty(
    make_run: MakeRun, own_broker: EmbeddedRedis, start_process: StartProcess, start_worker: StartProcess
) -> None:
    before, during = make_run(), make_run(steps=20, pause=0.1)
    worker = start_worker("gpu")
    reaper = start_process("workers.reaper")
    wait_for_state(before, RunState.SUCCEEDED)
    wait_for_state(during, RunState.RUNNING)
    own_broker.stop()
    late = make_run()
    wait_for_state(during, RunState.SUCCEEDED)
    own_broker.start()
    wait_for_state(late, RunState.SUCCEEDED)
    assert [run.attempt for run in (before, during, late)] == [1, 1, 1]
    assert (worker.poll(), reaper.poll()) == (None, None)


ROWS = """
import django, json, sys
django.setup()
from django.utils import timezone
from engine.presets import get_preset
from webapp.accounts.models import Project
from webapp.datasets.models import Dataset, Version
from webapp.experiments.models import Run
version_key, run_key = sys.argv[1:]
project = Project.objects.create(name="Lab", slug="lab")
dataset = Dataset.objects.create(project=project, name="a")
version = Version.objects.create(dataset=dataset, number=1, state="ready", storage_key=version_key)
spec = get_preset("popularity").spec().model_dump(mode="json")
queued = {"state": "queued", "queued_at": timezone.now()}
Run.objects.create(project=project, version=version, method="popularity", spec=spec, folder_key=run_key, **queued)
"""


@pytest.mark.fault("restart of Postgres")
def test_a_run_survives_a_restart_of_the_database(
    tmp_path: Path,
    version: Version,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
    start_process: StartProcess,
    start_worker: StartProcess,
) -> None:
    # The rows are in a database of the test's own; the folders are those of the session's storage.
    folder_key = make_run(steps=40, pause=0.1).folder_key
    postgres = Postgres(tmp_path / "postgres")
    try:
        monkeypatch.setenv("DATABASE_URL", postgres.start())
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "webapp.settings")
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], check=True)
        subprocess.run([sys.executable, "-c", ROWS, version.storage_key, folder_key], check=True)

        def column(name: str) -> object:
            with psycopg.connect(postgres.url) as own:
                row = own.execute(f"SELECT {name} FROM experiments_run").fetchone()  # noqa: S608
                return row[0] if row else None

        start_worker("gpu")
        start_process("workers.reaper", WORKER_QUIET_START_SECONDS="5", WORKER_SILENCE_SECONDS="5")
        wait_until(lambda: column("state") == "running", 90)
        postgres.stop()
        # Long enough that everybody notices.
        time.sleep(1)
        postgres.start()
        wait_until(lambda: column("state") == "succeeded")
        assert (column("attempt"), column("losses")) == (1, 0)
    finally:
        postgres.remove()
