"""Disks that are full, memory that is not enough, storage that is away: said to people, nothing half-written, and it goes on."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from django.contrib.auth.models import User
from django.test import Client
from moto.server import ThreadedMotoServer
from pytest_django.fixtures import Settings

from engine.training.checkpoint import CheckpointFolder, is_complete
from tests.faults.record import Faults
from tests.support.object_store import SECRETS
from tests.workers.fixtures import FAST, Dataset, Run, RunState, Version, storage_root, wait_for_state
from tests.workers.waiting import wait_until
from webapp.accounts.models import Membership, Role
from webapp.datasets.models import UploadPart
from webapp.experiments.resuming import resume_run
from webapp.settings import storage_backend
from webapp.storage import publish_folder
from workers import crew
from workers.claims import claim_run
from workers.failures import DISK_FULL, OUT_OF_MEMORY, STORAGE_GONE
from workers.supervisor import supervise_run

MakeRun = Callable[..., Run]
Mount = Callable[[Path, str], None]
pytestmark = pytest.mark.services


@pytest.fixture
def user(dataset: Dataset) -> User:
    made = User.objects.create_user("alice")
    Membership.objects.create(user=made, project=dataset.project, role=Role.RESEARCHER)
    return made


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Puts a small disk of its own over a folder; skips where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a small disk has to be mounted")
    mounted: list[Path] = []

    def put(folder: Path, size: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        options = f"remount,size={size}" if folder in mounted else f"size={size}"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"root may not mount a disk here: {done.stderr.strip()}")
        mounted.append(folder)

    yield put
    for folder in set(mounted):
        subprocess.run(["umount", str(folder)], check=True)


def execute(run: Run) -> Run:
    attempt = claim_run(run.pk)
    assert attempt is not None
    supervise_run(attempt, FAST)
    run.refresh_from_db()
    return run


def test_a_disk_that_is_full_when_a_checkpoint_is_written(make_run: MakeRun, user: User, mount: Mount, faults: Faults) -> None:
    run = make_run({"training.epochs": 2, "training.threads": 1, "training.device": "cpu"}, preset="sasrec")
    folder = storage_root() / run.folder_key
    with faults.inject("disk full while a checkpoint is written") as case:
        mount(folder, "4m")
        filler = folder / "filler"
        filler.write_bytes(bytes(4 * 2**20 - 2**16))
        execute(run)
        assert (run.state, run.error, run.hint) == (RunState.FAILED, DISK_FULL.message, DISK_FULL.hint)
        assert run.remedy["kind"] == "disk"
        checkpoints = CheckpointFolder(folder / "checkpoints")
        assert checkpoints.last() is None
        assert not any(is_complete(path) for path in checkpoints.folder.iterdir())
        case.right()
        filler.unlink()
        resume_run(run, user)
        assert execute(run).state == RunState.SUCCEEDED, run.error
        assert not list(folder.rglob("*.writing"))


def test_a_disk_that_is_full_when_an_upload_is_written(
    user: User, mount: Mount, faults: Faults, settings: Settings, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(disk)}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    client = Client()
    client.force_login(user)
    data = b"user_id,item_id,timestamp\n" + b"u1,i1,1600000000\n" * 150_000
    files = [{"role": "interactions", "name": "log.csv", "size": len(data)}]
    with faults.inject("disk full while an upload is written") as case:
        mount(disk, "1m")
        begun = client.post("/datasets/uploads", {"name": "Soap", "files": files}, content_type="application/json").json()
        address = f"/datasets/uploads/{begun['key']}/interactions/0"
        refused = client.put(address, data, content_type="application/octet-stream")
        assert refused.status_code == 422
        assert "The disk of this server is full" in refused.json()["error"]["message"]
        assert "send it again" in refused.json()["error"]["hint"]
        assert not UploadPart.objects.exists()
        assert not [path for path in disk.rglob("*") if path.is_file()]
        case.right()
        mount(disk, "16m")
        assert client.put(address, data, content_type="application/octet-stream").status_code == 200
        assert UploadPart.objects.get().size == len(data)


def test_a_training_that_needs_more_memory_than_there_is(
    make_run: MakeRun, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "CHILD", (sys.executable, "-m", "tests.faults.odd_child"))
    monkeypatch.setenv("FAULT_MEMORY_MB", "200")
    large = {"method.window": 200, "method.dimensions": 512, "training.batch_size": 512, "training.threads": 1}
    run = make_run({**large, "training.device": "cpu"}, preset="sasrec")
    with faults.inject("out of memory in the training child"):
        execute(run)
        assert (run.state, run.losses, run.attempt) == (RunState.FAILED, 0, 1), run.error
        assert run.remedy["kind"] == "memory"
        assert run.hint
        assert run.error.startswith(("Out of memory", OUT_OF_MEMORY.message))
        # No endless loop: nobody takes it again.
        assert claim_run(run.pk) is None


@pytest.mark.usefixtures("stand_in")
def test_an_object_store_that_goes_away_while_a_run_publishes_its_checkpoints(
    make_run: MakeRun,
    version: Version,
    prepared_folder: Path,
    user: User,
    faults: Faults,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    background: Callable[[Callable[[], object]], threading.Thread],
) -> None:
    run = make_run(steps=60, pause=0.1)
    behaviour = storage_root() / run.folder_key
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    for name, value in {**SECRETS, "AWS_MAX_ATTEMPTS": "2"}.items():
        monkeypatch.setenv(name, value)
    boto3.resource("s3", endpoint_url=endpoint).Bucket("lab").create()
    url = f"s3://lab/team?endpoint={endpoint}"
    monkeypatch.setenv("STORAGE_URL", url)
    settings.STORAGES = {**settings.STORAGES, "default": storage_backend(url)}
    publish_folder(prepared_folder, version.storage_key)
    publish_folder(behaviour, run.folder_key)
    attempt = claim_run(run.pk)
    assert attempt is not None
    thread = background(lambda: supervise_run(attempt, FAST))
    with faults.inject("object store gone while artifacts are uploaded") as case:
        wait_until(lambda: run.events.filter(type="checkpoint").count() >= 3, 60)
        case.strikes()
        server.stop()
        wait_for_state(run, RunState.FAILED, seconds=90)
        case.right()
        thread.join(30)
        assert (run.error, run.hint, run.remedy["kind"]) == (STORAGE_GONE.message, STORAGE_GONE.hint, "storage")
        again = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        again.start()
        try:
            resume_run(run, user)
            assert execute(run).state == RunState.SUCCEEDED, run.error
            begins = run.events.filter(type="log", payload__message__startswith="begins").order_by("attempt")
            assert int(begins[1].payload["message"].split()[-1]) >= 3
        finally:
            again.stop()
