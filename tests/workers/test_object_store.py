"""The whole way on an object store: nothing of it may hang on a shared disk. The store is moto's server, which speaks S3."""

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from django.contrib.auth.models import User
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.test import RequestFactory
from django.utils import timezone
from storages.backends.s3 import S3Storage

from engine.data.generated import generate
from engine.presets import get_preset
from engine.training import checkpoint
from engine.training.checkpoint import CheckpointFolder, load_tensors, write_folder
from tests.support.object_store import names
from tests.workers.fixtures import FAST, Dataset, RunState, VersionState
from webapp.accounts.models import Membership, Role
from webapp.datasets import uploads
from webapp.datasets.actions import create_version
from webapp.datasets.columns import describe, require_mapping
from webapp.datasets.pieces import open_file
from webapp.datasets.starting import start_version
from webapp.datasets.uploads import Announced, begin_upload, cancel_upload, store_part
from webapp.delivering.lists import KEPT_DAYS, ask_for_lists, cancel_lists
from webapp.delivering.models import ListsState, UserLists
from webapp.delivering.views import lists_response
from webapp.experiments.actions import launch_run
from webapp.experiments.models import Run
from webapp.experiments.resuming import extend_run
from webapp.storage import MARKER, delete_folder, fetch_folder, local_root, publish_folder
from workers.claims import claim_run, claim_version
from workers.lists.supervising import supervise_lists
from workers.supervisor import supervise_run, supervise_version
from workers.sweep import sweep

pytestmark = pytest.mark.services


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


def _checkpoint(folder: Path, step: int) -> None:
    write_folder(folder / f"step-{step:09d}", {"model": {"w": torch.full((4,), float(step))}}, {"step": step})


def test_what_is_the_same_is_sent_once(bucket: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    save = S3Storage.save

    def counted(storage: S3Storage, name: str, content: File) -> str:
        sent.append(name)
        return str(save(storage, name, content))

    monkeypatch.setattr(S3Storage, "save", counted)
    _checkpoint(tmp_path / "run", 1)
    publish_folder(tmp_path / "run", "runs/1")
    assert sent[-1] == "runs/1/step-000000001/COMPLETE"
    assert len(sent) == 3
    _checkpoint(tmp_path / "run", 2)
    publish_folder(tmp_path / "run", "runs/1")
    assert len(sent) == 6
    copy = fetch_folder("runs/1", tmp_path / "other")
    publish_folder(copy, "runs/1")
    assert len(sent) == 6
    # A folder that is written anew is sent whole where it changed, and its marker with it.
    (copy / "step-000000002" / "state.json").write_text("{}")
    publish_folder(copy, "runs/1")
    assert sent[6:] == ["runs/1/step-000000002/state.json", "runs/1/step-000000002/COMPLETE"]
    # What somebody else removed is sent again.
    default_storage.delete("runs/1/step-000000001/state.json")
    publish_folder(copy, "runs/1")
    assert sent[8:] == ["runs/1/step-000000001/state.json", "runs/1/step-000000001/COMPLETE"]
    assert MARKER == checkpoint.MARKER


def test_wherever_it_is_cut_off_a_complete_checkpoint_is_there(
    bucket: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call to the store in turn is the last one: the checkpoint before or the new one is there, and is whole."""
    for last in range(12):
        folder, key = tmp_path / f"run-{last}", f"runs/{last}"
        _checkpoint(folder, 1)
        publish_folder(folder, key)
        shutil.rmtree(folder / "step-000000001")
        _checkpoint(folder, 2)
        left = iter(range(last))
        with monkeypatch.context() as patch:
            for name in ("save", "delete"):
                patch.setattr(S3Storage, name, _until(left, getattr(S3Storage, name)))
            with contextlib.suppress(ConnectionError):
                publish_folder(folder, key)
        copy = CheckpointFolder(fetch_folder(key, tmp_path / f"copy-{last}"))
        found = copy.last()
        assert found is not None, last
        step = int(found.name[-1])
        assert copy.read_state(found) == {"step": step}
        assert load_tensors(found / "model.safetensors")["w"].tolist() == [float(step)] * 4
        publish_folder(folder, key)
        assert {Path(name).parts[-2] for name in names(bucket) if f"/{key}/" in name} == {"step-000000002"}


def _until(left: Iterator[int], call: Callable[..., Any]) -> Callable[..., Any]:
    def limited(*arguments: Any) -> Any:
        if next(left, None) is None:
            raise ConnectionError("the store went away")
        return call(*arguments)

    return limited


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


def _lists_for_everybody(bucket: object, run: Run, user: User) -> None:
    """Made, fetched and swept in the store; of one that is cancelled nothing is there."""
    before = names(bucket)
    lists = ask_for_lists(run, user, "jsonl", "3", "keep")
    supervise_lists(lists.pk, FAST)
    lists.refresh_from_db()
    assert (lists.state, lists.error) == (ListsState.READY, "")
    assert names(bucket) - before == {f"team/{lists.storage_key}"}
    content = b"".join(lists_response(RequestFactory().get("/"), lists))  # type: ignore[arg-type]
    assert len(content) == lists.size
    assert len(content.splitlines()) == lists.rows
    cancelled = ask_for_lists(run, user, "csv", "3", "keep")
    cancel_lists(cancelled, user)
    supervise_lists(cancelled.pk, FAST)
    assert names(bucket) - before == {f"team/{lists.storage_key}"}
    UserLists.objects.update(asked_at=timezone.now() - timedelta(days=KEPT_DAYS, hours=1))
    assert lists.storage_key.rpartition("/")[0] in sweep()
    assert names(bucket) == before
    assert not UserLists.objects.exists()


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
    _lists_for_everybody(bucket, run, user)
    longer = extend_run(run, user, {"epochs": 3})
    claimed = claim_run(longer.pk)
    assert claimed is not None
    supervise_run(claimed, FAST)
    longer.refresh_from_db()
    assert (longer.state, longer.epochs) == (RunState.SUCCEEDED, 3), longer.error
    assert longer.events.filter(type="metric", payload__split="train").count() == 1
