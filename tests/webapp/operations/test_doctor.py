"""Doctor, with one thing after the other broken for real."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from deploy.local.redis import Redis as EmbeddedRedis
from tests.webapp.fleet.machines import GIB, make_node
from tests.webapp.operations.places import Place
from webapp import broker
from webapp.fleet.models import Echo, NodeKind, WorkerNode
from webapp.operations import doctor_place, findings, machine
from webapp.operations.doctor import examine, storage
from webapp.operations.findings import ERROR, OK, WARNING, Finding

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
KEY = "".join(chr(97 + number % 26) for number in range(50))


@pytest.fixture(autouse=True)
def _sound(settings: Settings) -> None:
    settings.SECRET_KEY = KEY


@pytest.fixture
def own_broker(tmp_path: Path, settings: Settings) -> Iterator[EmbeddedRedis]:
    redis = EmbeddedRedis(tmp_path / "redis")
    settings.BROKER_URL = redis.start()
    broker.producer.cache_clear()
    yield redis
    redis.stop()
    broker.producer.cache_clear()


def of(part: str, found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.part == part]


def levels(part: str, found: list[Finding]) -> set[str]:
    return {finding.level for finding in of(part, found)}


def test_without_any_other_process() -> None:
    found = examine(worker_seconds=0.1)
    well = ("database", "broker", "storage", "migrations")
    assert [finding for part in well for finding in of(part, found) if finding.level != OK] == []
    assert "PostgreSQL" in of("database", found)[0].message
    for queue in broker.queue_names():
        (line,) = of(f"worker {queue}", found)
        assert (line.level, line.message) == (ERROR, "No worker listens: nothing of it begins.")
        assert line.hint == f"Start one: python -m celery -A workers.app worker --queues {queue}"
    assert levels("beat", found) == levels("reaper", found) == {ERROR}
    assert levels("device", found) == {WARNING}
    assert {finding.level for finding in of("clocks", found)} == {OK}
    assert all(finding.hint for finding in found if finding.level != OK)
    assert not Echo.objects.exists()


def test_a_stopped_broker(own_broker: EmbeddedRedis) -> None:
    assert levels("broker", examine(worker_seconds=0.1)) == {OK}
    own_broker.stop()
    found = examine(worker_seconds=0.1)
    assert levels("broker", found) == {ERROR}
    assert "Start Redis" in of("broker", found)[0].hint
    assert of("worker gpu", found)[0].message == "Not looked at: the broker does not answer."
    # What does not need it is looked at still.
    assert levels("migrations", found) == {OK}


def test_a_database_that_is_away_and_one_that_says_nothing(here: Place) -> None:
    done = here.python("manage.py", "doctor", "--json", DATABASE_URL="postgresql://a:secret-word@127.0.0.1:1/b", SECRET_KEY=KEY)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["ok"] is False
    (line,) = (each for each in said["findings"] if each["part"] == "database")
    assert (line["level"], line["hint"][:16]) == ("error", "Start PostgreSQL")
    assert "secret-word" not in done.stdout + done.stderr
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        url = f"postgresql://a:b@127.0.0.1:{silent.getsockname()[1]}/b"
        done = here.python("manage.py", "doctor", "--seconds", "4", DATABASE_URL=url, SECRET_KEY=KEY)
    assert time.monotonic() - begin < 60
    assert done.returncode == 1
    assert "error    database: No answer within 2 seconds." in done.stdout


def test_a_database_that_is_older_or_newer(elsewhere: Place) -> None:
    assert elsewhere.manage("migrate", "--verbosity", "0").returncode == 0
    assert elsewhere.manage("migrate", "quotas", "zero", "--verbosity", "0").returncode == 0
    with elsewhere.connect() as server:
        server.execute("insert into django_migrations (app, name, applied) values ('datasets', '9999_future', now())")
    done = elsewhere.manage("doctor", "--worker-seconds", "0.1", SECRET_KEY=KEY)
    assert done.returncode == 1
    assert "migrations: 1 are missing: quotas.0001_quotas." in done.stdout
    assert "Run: python manage.py migrate" in done.stdout
    assert "newer than this software: datasets.9999_future" in done.stdout


def test_a_storage_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    options = {"location": str(tmp_path / "file")}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    (line,) = storage()
    assert (line.level, line.message[:32]) == (ERROR, "An object could not be written: ")


def test_the_storage_is_left_as_it_was(here: Place) -> None:
    (line,) = storage()
    assert line.level == OK
    assert [path for path in here.storage.rglob("*") if path.is_file()] == []


def test_a_worker_that_reports_itself_and_does_not_answer() -> None:
    make_node("io-1", ("io",))
    (line,) = of("worker io", examine(worker_seconds=0.1))
    assert (line.level, line.message) == (ERROR, "It reports itself, but did not answer within 0.1 seconds.")


def test_old_workers_full_disks_and_clocks_that_go_wrong() -> None:
    now = timezone.now()
    sample = {"clock": now.timestamp() - 3600, "disks": {"cache": [GIB // 2, 100 * GIB]}}
    make_node("gpu-1", heard=now, software="0.0.1", sample=sample, devices={"packages": {"torch": "1.0"}, "cpus": 4})
    make_node("beat-1", (), kind=NodeKind.BEAT)
    make_node("beat-2", (), kind=NodeKind.BEAT, host="other")
    make_node("reaper-1", (), kind=NodeKind.REAPER, heard=now - timezone.timedelta(minutes=5))
    found = examine(worker_seconds=0.1)
    assert "DARec Lab 0.0.1, here" in of("versions", found)[0].message
    assert "torch 1.0, here" in of("versions", found)[0].message
    assert any("3,600 s behind the database's" in finding.message for finding in of("clocks", found))
    assert any("are free for cache of gpu-1" in finding.message for finding in of("disk", found))
    assert (levels("beat", found), levels("reaper", found)) == ({WARNING}, {ERROR})
    assert "the last one was heard 5 min" in of("reaper", found)[0].message
    assert of("device", found)[0].message == "host: no GPU; it trains on 4 CPU cores."
    assert any("the storage is a folder" in finding.message for finding in of("storage", found))


def test_unsafe_settings(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    assert [finding for finding in doctor_place.safety() if finding.level != OK] == []
    settings.ALLOWED_HOSTS, settings.DEBUG, settings.SECRET_KEY, settings.HTTPS = ["*"], True, "short", False
    words = " ".join(finding.message for finding in doctor_place.safety())
    for said in ("DEBUG is on", "SECRET_KEY is short", "ALLOWED_HOSTS is *", "HTTPS is off"):
        assert said in words


def test_packages_of_other_versions(settings: Settings, tmp_path: Path) -> None:
    assert machine.installed_packages()["Django"]
    settings.ROOT = tmp_path
    assert [finding.level for finding in doctor_place.packages()] == [WARNING]
    (tmp_path / "constraints.txt").write_text("# pinned\nDjango==1.0\nnot-there==2\n")
    (line,) = doctor_place.packages()
    assert (line.level, "Django" in line.message, "instead of 1.0" in line.message) == (WARNING, True, True)


def test_nothing_hangs_and_nothing_breaks_it() -> None:
    stop = __import__("threading").Event()

    def hangs() -> list[Finding]:
        stop.wait(30)
        return []

    def breaks() -> list[Finding]:
        raise RuntimeError("broken\nin two lines")

    begin = time.monotonic()
    found = findings.look({"slow": hangs, "broken": breaks, "fine": lambda: [Finding("fine", OK, "Well.")]}, 0.3)
    stop.set()
    assert time.monotonic() - begin < 10
    assert [(finding.part, finding.level) for finding in found] == [("slow", ERROR), ("broken", ERROR), ("fine", OK)]
    assert found[1].message == "RuntimeError: broken"


def test_it_says_it_to_people(settings: Settings) -> None:
    make_node("\x1b[2Jevil\n", ("gpu",), software="9", celery_name="\x1b[2Jevil\n")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", worker_seconds=0.1, stdout=out, no_color=True)
    assert ended.value.code == 1
    assert all(line.isprintable() for line in out.getvalue().splitlines())
    assert out.getvalue().splitlines()[-1].endswith("warnings.")
    assert "ok       database: PostgreSQL" in out.getvalue()


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[Callable[..., None]]:
    import subprocess

    from tests.workers.fixtures import _kill_family

    running = []

    def start(*words: str, **environment: str) -> None:
        with (tmp_path / f"log-{len(running)}").open("wb") as sink:
            running.append(
                subprocess.Popen([sys.executable, "-m", *words], stdout=sink, stderr=sink, env={**os.environ, **environment})
            )

    yield start
    for process in running:
        _kill_family(process)


def test_a_whole_lab_is_well(
    here: Place, own_broker: EmbeddedRedis, settings: Settings, start_process: Callable[..., None]
) -> None:
    from tests.workers.waiting import wait_until

    addresses = {"DATABASE_URL": here.url, "STORAGE_URL": f"file://{here.storage}", "BROKER_URL": settings.BROKER_URL}
    start_process("celery", "--quiet", "-A", "workers.app", "worker", "-Q", "gpu,io,serve", "--without-mingle", **addresses)
    start_process("celery", "--quiet", "-A", "workers.app", "beat", "--pidfile=", **addresses)
    start_process("workers.reaper", **addresses)
    wait_until(lambda: set(WorkerNode.objects.values_list("kind", flat=True)) == set(NodeKind.values), 90)
    done = here.manage(
        "doctor", "--json", "--worker-seconds", "20", "--seconds", "60", BROKER_URL=settings.BROKER_URL, SECRET_KEY=KEY
    )
    found = [Finding(**each) for each in json.loads(done.stdout)["findings"]]
    of_others = [finding for finding in found if finding.part not in ("disk", "packages")]
    assert [finding for finding in of_others if finding.level != OK] == []
    assert done.returncode == int(any(finding.level == ERROR for finding in found))
    assert any("CPU cores" in finding.message or "GiB" in finding.message for finding in of("device", found))
