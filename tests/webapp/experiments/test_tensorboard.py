"""A run's event file, read by TensorBoard itself."""

from pathlib import Path
from typing import Any

import numpy as np
from django.test import Client

from tests.engine.neighbours.board import read_boards
from tests.webapp.experiments.test_events import metric, tell
from tests.webapp.people import HOSTILE, People, finish, make_run
from webapp.datasets.models import Version
from webapp.experiments.models import Run


def save(content: bytes, name: str, folder: Path) -> Path:
    folder.mkdir()
    (folder / name).write_bytes(content)
    return folder


def downloaded(client: Client, run: Run, folder: Path) -> Path:
    """The file from the run's page, in a folder of its own under the name that it comes with."""
    response = client.get(f"/runs/{run.pk}/tensorboard")
    assert response.status_code == 200
    name = response["Content-Disposition"].partition("filename=")[2].strip('"')
    assert "tfevents" in name
    assert name.endswith(f".{run}")
    return save(b"".join(response), name, folder / str(run))


def curve(board: dict[str, Any], tag: str) -> list[list[float]]:
    return [line[:2] for line in board["scalars"].get(tag, [])]


def lines(*pairs: tuple[int, float]) -> list[list[float]]:
    return [[step, float(np.float32(value))] for step, value in pairs]


def test_tensorboard_reads_all_that_counts(people: People, version: Version, alice: Client, tmp_path: Path) -> None:
    older = finish(make_run(version), title=HOSTILE)
    tell(older, [metric("train", epoch, 1 / epoch) for epoch in (1, 2, 3)], attempt=1)
    tell(older, [metric("valid", epoch, epoch / 100) for epoch in (1, 2, 3)], attempt=1, first=3)
    # It was lost after the second epoch's checkpoint, and trained the third one again.
    tell(older, [metric("train", 3, 0.25), metric("valid", 3, None), metric("train", 4, 0.2)], attempt=2, first=6)
    newer = make_run(version, "running", attempt=1)
    Run.objects.filter(pk=newer.pk).update(continues=older)
    tell(newer, [metric("train", 4, 0.125), metric("valid", 4, 0.07)])
    before = make_run(version, "queued")
    assert f'href="/runs/{newer.pk}/tensorboard"' in alice.get(f"/runs/{newer.pk}/files").content.decode()
    boards = read_boards(*(downloaded(alice, run, tmp_path) for run in (older, newer, before)))
    first, second, third = boards
    start = [(1, 1.0), (2, 0.5)]
    at = [10, 20, 30, 40]
    assert curve(first, "train/loss") == lines(*zip(at, (1.0, 0.5, 0.25, 0.2), strict=True))
    assert curve(first, "valid/ndcg@10") == lines((10, 0.01), (20, 0.02))
    assert curve(second, "train/loss") == lines(*((10 * epoch, value) for epoch, value in start), (30, 0.25), (40, 0.125))
    assert curve(second, "valid/ndcg@10") == lines((10, 0.01), (20, 0.02), (40, 0.07))
    older.refresh_from_db()
    for name, value in older.test.items():
        assert curve(first, f"test/{name}") == lines((40, value))
    assert not any(tag.startswith("test/") for tag in second["scalars"])
    assert [board["end"] for board in boards] == [1, None, None]
    assert third["scalars"] == {}
    settings = third["hparams"]["hparams"]
    assert settings["method.id"] == before.method
    assert settings["training.seed"] == before.spec["training"]["seed"]


def test_strangers_do_not_get_it(version: Version, charlie: Client) -> None:
    assert charlie.get(f"/runs/{make_run(version).pk}/tensorboard").status_code == 404
