"""One command starts everything, starts again what dies, and leaves nothing behind, however it ends."""

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.local.home import ROOT, Home, Lock
from tests.deploy.conftest import SERVICES, OrdinaryUser
from tests.support.processes import alive, tree, wait_until

pytestmark = pytest.mark.services
UP = [sys.executable, "-m", "deploy.local", "up"]
START_SECONDS = 120.0


@dataclass
class Running:
    """A supervisor that was started with ``environment``."""

    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]
    home: Home
    terminal: Path

    def ask(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run ``python -m deploy.local`` beside it."""
        command = [sys.executable, "-m", "deploy.local", *arguments]
        return subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    def published(self) -> dict[str, Any]:
        """What it tells."""
        published = Lock(self.home).published()
        assert published is not None
        return published

    def service(self, name: str) -> dict[str, Any]:
        """What it tells of one service."""
        found: dict[str, Any] = next(service for service in self.published()["services"] if service["name"] == name)
        return found

    def wait_until_complete(self) -> None:
        """Until everything is ready."""

        def complete() -> bool:
            assert self.process.poll() is None, self.terminal.read_text()
            published = Lock(self.home).published()
            return bool(published and published["complete"])

        wait_until(complete, START_SECONDS)


def _start(command: list[str], environment: dict[str, str], folder: Path) -> Running:
    terminal = folder / "terminal"
    with terminal.open("ab") as output:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    return Running(process, environment, Home(Path(environment["DARECLAB_HOME"])), terminal)


def _end(running: Running) -> None:
    if running.process.poll() is None:
        running.process.terminate()
    running.process.wait(60)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Running]:
    """Everything embedded, as an ordinary user."""
    folder = tmp_path_factory.mktemp("embedded")
    if os.geteuid() == 0:
        user: OrdinaryUser = request.getfixturevalue("ordinary_user")
        running = _start(user.command(UP), user.environment, folder)
    else:
        kept = {name: value for name, value in os.environ.items() if name not in SERVICES}
        running = _start(UP, {**kept, "DARECLAB_HOME": str(folder / "state")}, folder)
    try:
        running.wait_until_complete()
        yield running
    finally:
        _end(running)


def test_status_tells_what_runs(embedded: Running) -> None:
    done = embedded.ask("status")
    assert done.returncode == 0, done.stdout
    names = [service["name"] for service in embedded.published()["services"]]
    assert names == ["postgres", "redis", "web", "worker-io", "worker-gpu", "worker-serve", "beat", "reaper"]
    for name in names:
        assert f"{name:<12} ready" in done.stdout
        assert Path(embedded.service(name)["log"]).exists()
    assert embedded.published()["address"] in embedded.terminal.read_text()


def test_the_page_answers(embedded: Running) -> None:
    with urllib.request.urlopen(f"{embedded.published()['address']}readyz", timeout=10) as response:  # noqa: S310
        assert json.load(response) == {"database": "ok", "broker": "ok", "worker": "ok"}


def test_secrets_are_for_their_owner_only(embedded: Running) -> None:
    for name in ("secret_key", "services.json", "postgres/password", "redis/redis.conf"):
        assert stat.S_IMODE((embedded.home.folder / name).stat().st_mode) == 0o600


def test_a_second_start_says_so(embedded: Running) -> None:
    done = embedded.ask("up")
    assert done.returncode == 2
    assert f"runs already (process {embedded.process.pid}) at {embedded.published()['address']}" in done.stderr
    assert embedded.ask("status").returncode == 0


def test_manage_reaches_the_running_database(embedded: Running) -> None:
    done = embedded.ask("manage", "migrate", "--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("victim", ["command", "leash"])
def test_a_dead_service_is_started_again(embedded: Running, victim: str) -> None:
    before = embedded.service("beat")
    processes = tree(before["process"])
    processes[1 if victim == "command" else 0].kill()
    wait_until(lambda: embedded.service("beat")["restarts"] == before["restarts"] + 1)
    assert alive(processes) == []
    wait_until(lambda: embedded.service("beat")["state"] == "ready")
    assert "beat         ended with status 137; next start in" in embedded.terminal.read_text()


def test_the_database_comes_back_at_the_same_address(embedded: Running) -> None:
    before = embedded.service("postgres")
    tree(before["process"])[1].kill()
    wait_until(lambda: embedded.service("postgres")["restarts"] == before["restarts"] + 1, 60)
    assert embedded.ask("manage", "migrate", "--check").returncode == 0


def test_ctrl_c_stops_everything(embedded: Running) -> None:
    processes = tree(embedded.process.pid)
    assert len(processes) > 2 * len(embedded.published()["services"])
    embedded.process.send_signal(signal.SIGINT)
    assert embedded.process.wait(60) == 0
    assert alive(processes) == []
    assert not (embedded.home.folder / "services.json").exists()
    assert embedded.ask("status").returncode == 3
    assert embedded.terminal.read_text().endswith("stopping\nstopped\n")


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_works(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "PORT"}
    environment = {**kept, "DARECLAB_HOME": str(tmp_path / "state")}
    first = _start(UP, environment, tmp_path)
    try:
        first.wait_until_complete()
        names = [service["name"] for service in first.published()["services"]]
        assert names == ["web", "worker-io", "worker-gpu", "worker-serve", "beat", "reaper"], (
            "nothing embedded beside DATABASE_URL and BROKER_URL"
        )
        processes = tree(first.process.pid)
    finally:
        first.process.kill()
        first.process.wait()
    second = _start(UP, environment, tmp_path)
    try:
        wait_until(lambda: not alive(processes), 30)
        wait_until(lambda: Lock(second.home).published() is not None, START_SECONDS)
        assert first.ask("stop").stdout == "stopped\n"
        assert second.process.wait(60) == 0
    finally:
        _end(second)
