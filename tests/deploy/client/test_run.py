"""Runs against a real site: one is waited for by long polls, and gives what it has."""

import io
import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from darec_lab import ApiError, Client, ClientError, EndedBadlyError, WaitedTooLongError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.deploy.client.conftest import ClientOf
from tests.webapp.api.live import PATIENCE
from tests.webapp.people import HOSTILE, People, finish, make_run, make_version, report
from webapp.accounts.models import Scope
from webapp.experiments.models import Run


@pytest.fixture
def row(people: People) -> Run:
    return make_run(make_version(people), "running", attempt=1)


def with_files(row: Run) -> Run:
    row.folder_key = f"runs/{row.pk}"
    file = io.BytesIO()
    pl.DataFrame({"user": np.arange(3, dtype=np.int32), "rank": [0.0, 4.0, 1.5]}).write_parquet(file)
    default_storage.save(f"{row.folder_key}/ranks_test.parquet", ContentFile(file.getvalue()))
    default_storage.save(f"{row.folder_key}/result.json", ContentFile(b"{}"))
    return finish(row)


def test_waiting_ends_when_the_row_changes(alice: Client, row: Run) -> None:
    told: list[tuple[float, float, str]] = []
    asking = threading.Event()

    def note(done: float, of: float, word: str) -> None:
        told.append((done, of, word))
        asking.set()

    Run.objects.filter(pk=row.pk).update(progress={"phase": "training", "fraction": 0.25})
    run = alice.runs.get(row.pk)
    thread = threading.Thread(target=run.wait, args=(note,))
    thread.start()
    assert asking.wait(PATIENCE)
    finish(Run.objects.get(pk=row.pk))
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert (run.state, run.test["ndcg@10"], run.ended) == ("succeeded", 0.0571, True)
    assert told[0] == (0.25, 1.0, "training")
    assert told[-1] == (1.0, 1.0, "succeeded")
    # Answered by the change, not by asking again and again.
    assert len(told) <= 3


def test_who_gives_a_time_gets_an_answer_in_time(alice: Client, row: Run) -> None:
    with pytest.raises(WaitedTooLongError, match="still running"):
        alice.runs.get(row.pk).wait(timeout=0.5)


def test_a_run_that_failed_is_an_error_unless_wished_otherwise(alice: Client, row: Run) -> None:
    Run.objects.filter(pk=row.pk).update(state="failed", error="No memory.", hint="Take a smaller batch.")
    with pytest.raises(EndedBadlyError, match=r"is failed\. No memory\. Take a smaller batch\.") as caught:
        alice.runs.get(row.pk).wait()
    assert caught.value.state == "failed"
    assert alice.runs.get(row.pk).wait(check=False).state == "failed"


def test_what_it_reported_comes_page_by_page(alice: Client, row: Run) -> None:
    report(row, 2)
    finish(row)
    run = alice.runs.get(row.pk)
    assert [event["type"] for event in run.events()] == ["metric"] * 4 + ["log"]
    assert [line["text"] for line in run.log(level="all")][-1] == f"read {HOSTILE}"
    curves = run.curves()
    assert curves.columns == ["series", "step", "epoch", "value"]
    assert curves.filter(pl.col("series") == "valid")["value"].to_list() == [0.01, 0.02]
    assert [layer["kind"] for layer in run.architecture()] == ["lora", "none"]
    assert run.samples()[0]["user"] == "u<7>"


def test_ranks_and_files_come_out(alice: Client, row: Run, tmp_path: Path) -> None:
    run = alice.runs.get(with_files(row).pk)
    assert run.ranks().to_dict(as_series=False) == {"user": [0, 1, 2], "rank": [0.0, 4.0, 1.5]}
    assert {file["name"] for file in run.files()} == {"ranks_test.parquet", "result.json"}
    out = tmp_path / "out"
    out.mkdir()
    assert run.download("result.json", out).read_bytes() == b"{}"
    for name in ("../result.json", "/etc/x", "a\\..\\b", ""):
        with pytest.raises(ClientError, match="outside"):
            run.download(name, out)


def test_people_can_change_it(alice: Client, row: Run) -> None:
    run = alice.runs.get(row.pk)
    assert run.mark(tags=["mine"], starred=True)["tags"] == ["mine"]
    assert run.cancel().state == "cancelling"
    copy = run.clone({"training.seed": 3})
    assert (copy.state, copy["spec"]["training"]["seed"]) == ("queued", 3)
    assert copy.id != run.id


def test_errors_say_what_and_where(people: People, client_of: ClientOf, alice: Client, row: Run) -> None:
    with pytest.raises(ApiError) as wrong:
        alice.runs.create(row.version_id, "sasrec", {"training.epochs": 0})
    assert (wrong.value.status, wrong.value.code, wrong.value.field) == (422, "invalid", "training.epochs")
    assert wrong.value.problems[0]["field"] == "training.epochs"
    assert wrong.value.request_id
    with pytest.raises(ApiError) as stranger:
        client_of(people.charlie).runs.get(row.pk)
    assert stranger.value.code == "not_found"
    with pytest.raises(ApiError) as reader:
        client_of(people.alice, Scope.READ).runs.create(row.version_id, "sasrec")
    assert reader.value.code == "scope_missing"
