"""Several worker hosts: nothing but database, broker and object store is shared. Each has its own name (a UTS namespace,
where that is allowed), home, cache and folder for temporary files."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.support.object_store import names
from tests.webapp.people import make_run
from tests.workers.fixtures import Dataset, Run, RunState, Version, VersionState, wait_for_state
from tests.workers.waiting import wait_until
from webapp.broker import EXECUTE_TASK, ask
from webapp.experiments.models import RunEvent
from webapp.storage import publish_folder

pytestmark = pytest.mark.services


@dataclass
class Host:
    """A machine that takes runs, as far as a process can be one."""

    name: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    def vanish(self) -> None:
        """Kill all that runs there at once, so that nobody can say goodbye, and lose its disk."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for member in family:
            member.suspend()
        for member in family:
            member.kill()
        self.process.wait(10)
        psutil.wait_procs(family, 10)
        shutil.rmtree(self.folder)


@pytest.fixture
def start_host(tmp_path: Path) -> Iterator[Callable[[str], Host]]:
    """Starts a gpu worker on a host of a name."""
    hosts: list[Host] = []
    rename = ["unshare", "--uts", "--", "sh", "-c", 'hostname "$0" && exec "$@"']
    allowed = shutil.which("unshare") and not subprocess.run([*rename, "x", "true"], capture_output=True, check=False).returncode

    def start(name: str) -> Host:
        folder = tmp_path / name
        places = {place: folder / place.lower() for place in ("HOME", "TMPDIR", "DARECLAB_HOME", "DARECLAB_CACHE")}
        for place in places.values():
            place.mkdir(parents=True)
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "tests.workers.stand_in_app",
            "worker",
            "-Q",
            "gpu",
            "--hostname",
            f"gpu@{name}",
        ]
        command += ["--without-mingle", "--without-gossip"]
        environment = {**os.environ, **{place: str(path) for place, path in places.items()}}
        with (tmp_path / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([*rename, name, *command] if allowed else command, env=environment, stdout=log, stderr=log)
        hosts.append(Host(name, folder, process))
        return hosts[-1]

    yield start
    for host in hosts:
        if host.process.poll() is None:
            host.vanish()
        sys.stdout.write((tmp_path / f"{host.name}.log").read_text(errors="replace"))


@pytest.fixture
def stored_run(bucket: Any, dataset: Dataset, prepared_folder: Path) -> Run:
    """A queued run, of which the store alone knows version and behaviour."""
    key = f"versions/{dataset.pk}"
    publish_folder(prepared_folder, key)
    version = Version.objects.create(
        dataset=dataset, number=1, state=VersionState.READY, upload_key="uploads/none", storage_key=key
    )
    run = make_run(version, preset="popularity", folder_key="runs/spread")
    default_storage.save("runs/spread/behaviour.json", ContentFile(b'{"steps": 25, "pause": 0.1}'))
    return run


def checkpoints(run: Run, attempt: int) -> int:
    return RunEvent.objects.filter(run=run, attempt=attempt, type="checkpoint").count()


def test_another_host_goes_on_where_one_vanished(
    stored_run: Run,
    bucket: Any,
    start_host: Callable[[str], Host],
    start_process: Callable[..., "subprocess.Popen[bytes]"],
    tmp_path: Path,
) -> None:
    run = stored_run
    alpha = start_host("alpha")
    ask(EXECUTE_TASK, run.pk)
    wait_until(lambda: checkpoints(run, 1) >= 3)
    run.refresh_from_db()
    first = run.worker
    assert list((alpha.folder / "tmpdir").rglob("checkpoint")), "the work lies on the host's own disk"
    assert "team/runs/spread/checkpoint" in names(bucket)
    alpha.vanish()
    reached = int(bucket.Object("team/runs/spread/checkpoint").get()["Body"].read())
    assert reached >= 3

    reaper = start_process("workers.reaper", WORKER_SILENCE_SECONDS="1")
    wait_for_state(run, RunState.QUEUED)
    reaper.terminate()
    assert reaper.wait(10) == 0
    beta = start_host("beta")
    wait_for_state(run, RunState.SUCCEEDED)
    run.refresh_from_db()
    assert (run.attempt, run.losses, run.samples.count()) == (2, 1, 1)
    assert run.worker != first
    if first.startswith("alpha:"):
        assert run.worker.startswith("beta:")
    begun = RunEvent.objects.filter(run=run, attempt=2, type="log", payload__message__startswith="begins").get()
    assert int(begun.payload["message"].split()[-1]) == reached
    assert int(bucket.Object("team/runs/spread/checkpoint").get()["Body"].read()) == 25
    # Copies are removed when the work is done.
    wait_until(lambda: not list((beta.folder / "tmpdir").rglob("checkpoint")))
