"""A run's files where they lie in an object store: listed, downloaded, compared."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from engine.errors import UserError
from tests.support.object_store import bucket, endpoint, names  # noqa: F401 (fixtures)
from tests.webapp.people import make_run
from webapp.datasets.models import Version
from webapp.storage import delete_folder
from workers.comparing import read_ranks_of

pytestmark = pytest.mark.services


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The bucket, as the storage of this test."""
    del tmp_path
    return request.getfixturevalue("bucket")


def test_files_are_listed_downloaded_and_compared(store: Any, version: Version, alice: Client, charlie: Client) -> None:
    run = make_run(version, "succeeded", folder_key="runs/stored")
    ranks = io.BytesIO()
    pl.DataFrame({"user": np.arange(3, dtype=np.int32), "rank": [0.0, 1.5, 7.0]}).write_parquet(ranks)
    model = bytes(range(256)) * 1000
    for name, content in {
        "ranks_test.parquet": ranks.getvalue(),
        "model/model.safetensors": model,
        "result.json": b'{"path": "None/of/ours"}',
        "checkpoints/.step.writing/state.json": b"{}",
    }.items():
        default_storage.save(f"runs/stored/{name}", ContentFile(content))
    page = alice.get(f"/runs/{run.pk}/files").content.decode()
    assert "model/model.safetensors" in page
    assert "ranks_test.parquet" in page
    assert ".writing" not in page
    sent = alice.get(f"/runs/{run.pk}/files/model/model.safetensors")
    assert b"".join(sent.streaming_content) == model  # type: ignore[arg-type]
    assert sent["Content-Length"] == str(len(model))
    # An object store has no folder of ours whose name would have to be taken out of a text.
    assert alice.get(f"/runs/{run.pk}/files/result.json").content == b'{"path": "None/of/ours"}'
    assert alice.get(f"/runs/{run.pk}/files/gone.json").status_code == 404
    assert charlie.get(f"/runs/{run.pk}/files/result.json").status_code == 404
    table = read_ranks_of(run)
    assert table.ranks.tolist() == [0.0, 1.5, 7.0]
    default_storage.delete("runs/stored/ranks_test.parquet")
    with pytest.raises(UserError, match="gone or damaged"):
        read_ranks_of(run)
    delete_folder("runs/stored")
    assert names(store) == set()
