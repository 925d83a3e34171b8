"""The whole way on an object store: nothing of it may hang on a shared disk. The store is moto's server, which speaks S3."""

import io
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from moto.server import ThreadedMotoServer
from pytest_django.fixtures import Settings

from engine.data.generated import generate
from engine.presets import get_preset
from tests.workers.fixtures import FAST, Dataset, RunState, VersionState
from webapp.accounts.models import Membership, Role
from webapp.datasets import uploads
from webapp.datasets.actions import create_version
from webapp.datasets.columns import describe, require_mapping
from webapp.datasets.pieces import open_file
from webapp.datasets.starting import start_version
from webapp.datasets.uploads import Announced, begin_upload, cancel_upload, store_part
from webapp.experiments.actions import launch_run
from webapp.experiments.resuming import extend_run
from webapp.settings import storage_backend
from webapp.storage import delete_folder, fetch_folder, local_root, publish_folder
from workers.claims import claim_run, claim_version
from workers.supervisor import supervise_run, supervise_version

pytestmark = pytest.mark.services
SECRETS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> object:
    """The bucket ``lab``, used by this process and its children as ``STORAGE_URL`` says."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    store = boto3.resource("s3", endpoint_url=endpoint).Bucket("lab")
    store.create()
    url = f"s3://lab/team?endpoint={endpoint}"
    monkeypatch.setenv("STORAGE_URL", url)
    settings.STORAGES = {**settings.STORAGES, "default": storage_backend(url)}
    yield store
    store.objects.all().delete()
    store.delete()


def names(bucket: object) -> set[str]:
    return {item.key for item in bucket.objects.all()}  # type: ignore[attr-defined]


def test_folders_go_there_and_back(bucket: object, tmp_path: Path) -> None:
    assert local_root() is None
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    (source / "a.txt").write_text("one")
    (source / "inner" / "b.txt").write_text("two")
    publish_folder(source, "runs/1")
    assert names(bucket) == {"team/runs/1/a.txt", "team/runs/1/inner/b.txt"}
    copy = fetch_folder("runs/1", tmp_path / "scratch")
    assert (copy / "inner" / "b.txt").read_text() == "two"
    (source / "inner" / "b.txt").unlink()
    (source / "a.txt").write_text("changed")
    publish_folder(source, "runs/1")
    assert names(bucket) == {"team/runs/1/a.txt"}
    assert (fetch_folder("runs/1", tmp_path / "again") / "a.txt").read_text() == "changed"
    delete_folder("runs/1")
    assert names(bucket) == set()
    assert list(fetch_folder("runs/1", tmp_path / "empty").iterdir()) == []


def test_an_upload_in_parts_becomes_a_version(bucket: object, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 256)
    user = User.objects.create_user("alice")
    data = b"who,what,when\n" + b"".join(b"u%d,i%d,%d\n" % (row % 3, row % 4, row) for row in range(60))
    upload = begin_upload(dataset.project, user, [Announced("interactions", "log.csv", len(data))], name="Soap")
    file = upload.files.get()
    for number in (1, 0, 0, 2):
        store_part(file, number, io.BytesIO(data[number * 256 : number * 256 + 256]))
    assert len(names(bucket)) == 3
    with open_file(file) as whole:
        assert whole.read() == data
    version = start_version(upload, user, {"core": 0}, require_mapping(describe(upload)))
    attempt = claim_version(version.pk)
    assert attempt is not None
    supervise_version(attempt, FAST)
    version.refresh_from_db()
    assert (version.state, version.error, version.interactions) == (VersionState.READY, "", 60)
    cancelled = begin_upload(dataset.project, user, [Announced("interactions", "log.csv", 5)], name="Tea")
    store_part(cancelled.files.get(), 0, io.BytesIO(b"a,b\nc"))
    cancel_upload(cancelled)
    assert not any(str(cancelled.key) in name for name in names(bucket))


def test_from_upload_to_result(bucket: object, dataset: Dataset, tmp_path: Path) -> None:
    generate(tmp_path / "raw", users=60, items=40, seed=1)
    files = [ContentFile((tmp_path / "raw" / name).read_bytes(), name) for name in ("interactions.csv", "items.csv")]
    user = User.objects.create_user("alice")
    version = create_version(dataset, user, files[0], files[1], {"core": 2})
    attempt = claim_version(version.pk)
    assert attempt is not None
    supervise_version(attempt, FAST)
    version.refresh_from_db()
    assert version.state == VersionState.READY, version.error
    spec = get_preset("sasrec").spec({"training.epochs": 2, "training.threads": 1, "method.dimensions": 16})
    run = launch_run(version, user, spec)
    claimed = claim_run(run.pk)
    assert claimed is not None
    supervise_run(claimed, FAST)
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.error
    stored = {name.removeprefix(f"team/{run.folder_key}/") for name in names(bucket)}
    assert {"result.json", "run.json", "ranks_test.parquet", "model/model.safetensors", "model/COMPLETE"} <= stored
    assert any(name.startswith("checkpoints/step-") for name in stored)
    Membership.objects.create(user=user, project=dataset.project, role=Role.RESEARCHER)
    longer = extend_run(run, user, {"epochs": 3})
    claimed = claim_run(longer.pk)
    assert claimed is not None
    supervise_run(claimed, FAST)
    longer.refresh_from_db()
    assert (longer.state, longer.epochs) == (RunState.SUCCEEDED, 3), longer.error
    assert longer.events.filter(type="metric", payload__split="train").count() == 1
