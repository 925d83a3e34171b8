"""Runs mirrored to MLflow's own server, and read there by MLflow's own client and by its REST API."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.support.attacks import ATTACKS
from tests.workers.mlflow.server import MlflowServer, mlflow_server
from tests.workers.mlflow.telling import MakeRun, begun, due, tell
from tests.workers.stand_in import make_result
from webapp.accounts.models import Project
from webapp.experiments.models import Run
from webapp.mirroring.models import Mirror
from workers.mlflow.mirroring import mirror
from workers.mlflow.telling import params
from workers.outcome import succeed

SITE = "https://lab.example.org"


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture
def server(mlflow: MlflowServer, settings: Settings, request: pytest.FixtureRequest) -> MlflowServer:
    """The server as the site's own; each test is a site with an address of its own, for run numbers begin anew."""
    settings.MLFLOW_TRACKING_URI = f"{mlflow.url}/"
    settings.SITE_URL = f"{SITE}/{abs(hash(request.node.name))}"
    return mlflow


def remote(server: MlflowServer) -> dict[str, Any]:
    return next(run for run in server.runs() if run["id"] == Mirror.objects.get().remote_id)


def test_its_client_reads_a_run_while_it_goes_on_and_at_its_end(
    make_run: MakeRun, server: MlflowServer, settings: Settings
) -> None:
    spec = {"training.epochs": 3, "method.blend.fit": True}
    run, attempt = begun(make_run, spec, "darec-nano")
    tell(attempt, 0, 3)
    assert mirror(due(run).pk)
    found = remote(server)
    assert (found["experiment"], found["name"]) == (f"Lab (project {run.project_id})", str(run))
    assert (found["status"], found["end"]) == ("RUNNING", None)
    assert run.started_at is not None
    assert found["start"] == int(run.started_at.timestamp() * 1000)
    assert found["params"] == params(run), "every setting, and nothing else"
    assert len(params(run)) > 50
    assert found["params"]["training.seed"] == str(run.spec["training"]["seed"])
    assert [point[:2] for point in found["metrics"]["train/loss"]] == [[step, 1 / (step + 1)] for step in range(3)]
    assert [point[:2] for point in found["metrics"]["valid/ndcg_at_10"]] == [[step, step / 100] for step in range(3)]
    assert not any("hr" in name for name in found["metrics"]), "what is no number is left out"
    row = Mirror.objects.get()
    assert (row.finished_at, row.tries, row.last_error) == (None, 0, "")
    assert row.next_try_at is not None
    tell(attempt, 3, 5)
    assert succeed(attempt, make_result("hash"))
    assert mirror(due(run).pk)
    run.refresh_from_db()
    found = remote(server)
    assert [point[0] for point in found["metrics"]["train/loss"]] == [0, 1, 2, 3, 4]
    assert found["metrics"]["test/hr_at_10"][0][:2] == [run.best_epoch, 0.5]
    assert found["metrics"]["chosen/valid/hr_at_10"][0][:2] == [run.best_epoch, 0.25]
    assert found["last"]["train/loss"] == 1 / 5
    assert found["status"] == "FINISHED"
    assert run.finished_at is not None
    assert found["end"] == int(run.finished_at.timestamp() * 1000)
    assert found["tags"]["dareclab.artifacts"] == f"{settings.SITE_URL}/runs/{run.pk}/files"
    assert found["tags"]["dareclab.protocol.version"] == "hash"
    assert found["tags"]["dareclab.state"] == "succeeded"
    assert found["tags"]["mlflow.note.content"] == f"Mirrored from {settings.SITE_URL}/runs/{run.pk}"
    assert found["artifacts"] == [], "the files stay here: a tag says where"
    row.refresh_from_db()
    assert row.next_try_at is None
    assert row.finished_at is not None
    assert not mirror(row.pk), "all was told"


def test_its_rest_api_gives_the_same(make_run: MakeRun, server: MlflowServer) -> None:
    run, attempt = begun(make_run)
    tell(attempt, 0, 4)
    assert mirror(due(run).pk)
    key = Mirror.objects.get().remote_id
    found = server.rest("GET", f"runs/get?run_id={key}")["run"]
    assert found["info"]["run_name"] == str(run)
    assert {pair["key"]: pair["value"] for pair in found["data"]["params"]} == params(run)
    history = server.rest("GET", f"metrics/get-history?run_id={key}&metric_key=train/loss")["metrics"]
    assert [(point["step"], point["value"]) for point in history] == [(step, 1 / (step + 1)) for step in range(4)]


@pytest.mark.parametrize(("state", "status"), [("failed", "FAILED"), ("lost", "FAILED"), ("cancelled", "KILLED")])
def test_other_ends(state: str, status: str, make_run: MakeRun, server: MlflowServer) -> None:
    run, _ = begun(make_run)
    Run.objects.filter(pk=run.pk).update(state=state, finished_at=timezone.now(), error="Out of memory.")
    assert mirror(due(run).pk)
    found = server.rest("GET", f"runs/get?run_id={Mirror.objects.get().remote_id}")["run"]
    tags = {pair["key"]: pair["value"] for pair in found["data"]["tags"]}
    assert (found["info"]["status"], tags["dareclab.error"]) == (status, "Out of memory.")
    assert not any(pair["key"].startswith("test/") for pair in found["data"].get("metrics", []))


def test_hostile_and_long_texts_arrive(make_run: MakeRun, server: MlflowServer) -> None:
    run, attempt = begun(make_run)
    Project.objects.filter(pk=run.project_id).update(name="Größe <b> '\"%` & 日本")
    tags = ["<script>alert(1)</script>", "ä, b"]
    long = {**run.spec, "note": "x" * 20_000, "läyers@@": {"a'b`c": [1, {"d": None}], "leer": {}}}
    Run.objects.filter(pk=run.pk).update(spec=long, tags=tags, error="é" * 20_000)
    tell(attempt, 0, 1)
    assert mirror(due(run).pk), Mirror.objects.get().last_error
    run.refresh_from_db()
    found = remote(server)
    assert found["experiment"] == f"Größe <b> '\"%` & 日本 (project {run.project_id})"
    assert found["params"]["note"] == "x" * 6000
    assert found["params"]["l_yers_at__at_.a_b_c"] == '[1, {"d": null}]'
    assert found["tags"]["dareclab.tags"] == ", ".join(tags)
    assert found["tags"]["dareclab.error"] == "é" * 5000


def test_attacks_arrive_letter_by_letter(make_run: MakeRun, server: MlflowServer) -> None:
    run, attempt = begun(make_run)
    tags = [text[:40] for text in ATTACKS]  # as long as a tag can be
    notes = {f"note {number}": text for number, text in enumerate(ATTACKS)}
    spec = {**run.spec, **notes, **dict.fromkeys(ATTACKS, "as a name")}
    Run.objects.filter(pk=run.pk).update(spec=spec, tags=tags, error="".join(ATTACKS))
    tell(attempt, 0, 1)
    assert mirror(due(run).pk), Mirror.objects.get().last_error
    found = remote(server)
    assert {name: found["params"][name] for name in notes} == notes
    assert found["tags"]["dareclab.tags"] == ", ".join(tags)
    assert all(name.isprintable() and name.isascii() for name in found["params"])
    assert "evil.example" not in found["tags"]["mlflow.note.content"]


def test_what_was_begun_is_found_again_and_told_twice_does_no_harm(make_run: MakeRun, server: MlflowServer) -> None:
    run, attempt = begun(make_run)
    tell(attempt, 0, 3)
    assert mirror(due(run).pk)
    key = Mirror.objects.get().remote_id
    # As if the worker had died each time before it could write down how far it came.
    Mirror.objects.update(remote_id="", described=False, told_event=0)
    assert mirror(due(run).pk), Mirror.objects.get().last_error
    assert Mirror.objects.get().remote_id == key
    mine = [found for found in server.runs() if found["tags"]["dareclab.address"] == remote(server)["tags"]["dareclab.address"]]
    assert len(mine) == 1
    assert {point[0] for point in mine[0]["metrics"]["train/loss"]} == {0, 1, 2}


def test_hundreds_of_settings_and_thousands_of_numbers(make_run: MakeRun, server: MlflowServer) -> None:
    run, attempt = begun(make_run)
    many = {f"setting_{number}": number for number in range(250)}
    Run.objects.filter(pk=run.pk).update(spec={**run.spec, "extra": many})
    run.refresh_from_db()
    tell(attempt, 0, 1200)
    assert mirror(due(run).pk), Mirror.objects.get().last_error
    found = remote(server)
    assert found["params"] == params(run)
    assert [point[0] for point in found["metrics"]["valid/ndcg_at_10"]] == list(range(1200))


def test_an_experiment_that_was_deleted_there_is_said_plainly(make_run: MakeRun, server: MlflowServer) -> None:
    run, _ = begun(make_run)
    Project.objects.filter(pk=run.project_id).update(name="Deleted")
    made = server.rest("POST", "experiments/create", {"name": f"Deleted (project {run.project_id})"})
    server.rest("POST", "experiments/delete", {"experiment_id": made["experiment_id"]})
    assert not mirror(due(run).pk)
    row = Mirror.objects.get()
    assert row.tries == 1
    assert row.next_try_at is not None
    assert "answered 400 INVALID_PARAMETER_VALUE to runs/create" in row.last_error
    assert "active" in row.last_error, "MLflow's own words say what is wrong"
    server.rest("POST", "experiments/restore", {"experiment_id": made["experiment_id"]})
    assert mirror(due(run).pk)
