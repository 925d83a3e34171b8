"""No secret gets out: not into logs of the web server and of workers, not onto pages, not into what commands print."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import get_commands

from deploy.local.ports import free_port
from deploy.local.services import answers, web_command, worker_command
from tests.webapp.people import People, make_people, make_run, make_version

ROOT = Path(__file__).resolve().parents[2]
MARK = "Marked0secret"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
ADMIN = (
    "/admin/",
    "/admin/auth/user/1/change/",
    "/admin/accounts/apitoken/",
    "/admin/datasets/version/",
    "/admin/experiments/run/",
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """As in production, with a mark in each secret; those of database and broker are real passwords."""
    database = urlsplit(os.environ["DATABASE_URL"])
    return {
        **os.environ,
        "DATABASE_URL": database._replace(path=f"/{settings.DATABASES['default']['NAME']}").geturl(),
        "EMAIL_URL": f"smtp://mail:{MARK}-mail@127.0.0.1:1",
        "MLFLOW_TRACKING_URI": f"http://flow:{MARK}-flow@127.0.0.1:1",
        "MLFLOW_TRACKING_TOKEN": f"{MARK}-flow-token",
        "STORAGE_URL": "s3://bucket/prefix?endpoint=http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "known",
        "AWS_SECRET_ACCESS_KEY": f"{MARK}-aws",
        "STATIC_ROOT": str(tmp_path / "static"),
        "LOG_LEVEL": "DEBUG",
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
        "PYTHONUNBUFFERED": "1",
    }


def secrets_of(environment: dict[str, str]) -> list[str]:
    """Each text that must appear nowhere."""
    found = [MARK, environment["SECRET_KEY"]]
    found += [urlsplit(environment[name]).password or "" for name in ("DATABASE_URL", "BROKER_URL")]
    assert all(found)
    return found


@pytest.fixture
def started(environment: dict[str, str], tmp_path: Path) -> Iterator["Started"]:
    made = Started(environment, tmp_path / "log")
    yield made
    made.stop()


class Started:
    """Processes of ours, which all write to one log."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment, self.log = environment, log
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, command: list[str], **changes: str) -> None:
        with self.log.open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**self.environment, **changes},
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)

    def wait_for(self, words: str, times: int = 1) -> None:
        deadline = time.monotonic() + 90
        while self.text().count(words) < times:
            assert time.monotonic() < deadline, f"no {words!r} in:\n{self.text()[-3000:]}"
            time.sleep(0.2)

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(60)


def check(text: str, environment: dict[str, str], where: str) -> None:
    for secret in secrets_of(environment):
        assert secret not in text, f"{where}: {text[max(0, text.index(secret) - 300) :][:400]}"


def read(address: str, headers: dict[str, str], data: bytes | None = None) -> str:
    request = urllib.request.Request(address, data, headers)  # noqa: S310 (our own server)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return f"{answer.headers}{answer.read().decode('utf-8', 'replace')}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.headers}{error.read().decode('utf-8', 'replace')}"


def test_the_web_server_tells_none(environment: dict[str, str], started: Started) -> None:
    people: People = make_people()
    run = make_run(make_version(people), "succeeded", folder_key="runs/there")
    port = free_port()
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput"]
    subprocess.run(collect, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=120)
    started.start(web_command("127.0.0.1", str(port), "1"))
    site = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 90
    while not answers(f"{site}/healthz"):
        assert time.monotonic() < deadline, started.text()
        time.sleep(0.2)
    cookie = {"Cookie": f"sessionid={people.client('alice').cookies['sessionid'].value}"}
    shown = [read(site + path, cookie) for path in (*ADMIN, f"/runs/{run.pk}/files", "/workers", "/profile", "/readyz")]
    guess = f"darec_0123456789ab_{MARK}"
    for headers in ({"Authorization": f"Bearer {guess}"}, {"Authorization": f"Basic {MARK}"}, {"X-Token": guess}):
        shown.append(read(f"{site}/api/v1/runs", headers))
        shown.append(read(f"{site}/metrics", headers))
    shown.append(read(f"{site}/join/0123456789ab_{MARK}", {}))
    shown.append(read(f"{site}/api/v1/files/../..{guess}", {}))
    shown.append(read(f"{site}/login", {}, f"username=alice&password={MARK}".encode()))
    started.wait_for("/join/0123456789ab_***")
    for text in shown:
        check(text.replace(f"/join/0123456789ab_{MARK}", "its own address"), environment, "an answer")
    started.stop()
    check(started.text(), environment, "the web server's log")
    assert "GET /join/0123456789ab_***" in started.text()
    assert "GET /workers" in started.text()


def test_with_services_that_are_away_neither(environment: dict[str, str], started: Started) -> None:
    away = {
        "DATABASE_URL": f"postgresql://dareclab:{MARK}-postgres@127.0.0.1:1/dareclab",
        "BROKER_URL": f"redis://:{MARK}-redis@127.0.0.1:1/0",
    }
    port = free_port()
    started.start(web_command("127.0.0.1", str(port), "1"), **away)
    started.start(worker_command("io", "io@away", "1"), **away)
    started.start(["workers.reaper"], **away)
    site = f"http://127.0.0.1:{port}"
    started.wait_for("Application startup complete")
    for path in ("/login", "/readyz", "/api/v1/runs", "/metrics"):
        check(read(site + path, {"Authorization": f"Bearer darec_0123456789ab_{MARK}"}), environment, path)
    started.wait_for("onnect")
    started.stop()
    check(started.text(), environment, "the log")


def test_workers_tell_none(environment: dict[str, str], started: Started) -> None:
    started.start(worker_command("io", "io@marked", "1"))
    started.start(worker_command("io", "io@refused", "1"), BROKER_URL=_refused(environment["BROKER_URL"]))
    started.wait_for("ready.")
    started.wait_for("Cannot connect")
    started.stop()
    check(started.text(), environment, "the workers' log")


def _refused(broker: str) -> str:
    parts = urlsplit(broker)
    return parts._replace(netloc=f":{MARK}-redis@{parts.hostname}:{parts.port}").geturl()


@pytest.mark.parametrize("command", ["check", "showmigrations", "doctor"])
def test_commands_tell_none(environment: dict[str, str], command: str) -> None:
    if command not in get_commands():
        pytest.skip(f"there is no manage.py {command}")
    asked = [sys.executable, "manage.py", command]
    done = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    check(done.stdout + done.stderr, environment, command)
