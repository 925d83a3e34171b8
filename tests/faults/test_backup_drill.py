"""The back-up drill: a lab at work is backed up, and comes back elsewhere with all that its rows name, once."""

import hashlib
import io
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from psycopg import sql
from redis import Redis

from tests.faults.record import Faults
from tests.webapp.operations.places import Place, files, this_place
from tests.workers.fixtures import Run, RunState, storage_root, wait_for_state
from tests.workers.waiting import wait_until
from webapp.broker import EXECUTE_TASK, ask
from webapp.datasets.models import Dataset
from webapp.datasets.uploads import Announced, begin_upload, get_file, store_part
from webapp.experiments.models import RunEvent
from webapp.operations.archive import check_archive

MakeRun = Callable[..., Run]
StartProcess = Callable[..., "subprocess.Popen[bytes]"]
pytestmark = pytest.mark.services
NAMED = "import django; django.setup(); from webapp.operations.named import named_folders; print(*named_folders(), sep='\\n')"


@pytest.fixture
def elsewhere(database: None, tmp_path: Path) -> Iterator[Place]:
    """An empty database on the same server, and an empty storage."""
    here, place = this_place(storage_root()), Place(f"drill_{os.getpid()}", tmp_path / "elsewhere")
    with here.connect() as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(place.database)))
    yield place
    with here.connect() as server:
        server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(place.database)))


def upload(dataset: Dataset, person: User, number: int) -> None:
    """A person's file arrives."""
    content = f"user_id,item_id,timestamp\nu{number},i,1\n".encode() * 2000
    files = [Announced("interactions", f"log-{number}.csv", len(content))]
    mine = begin_upload(dataset.project, person, files, dataset)
    store_part(get_file(mine, "interactions"), 0, io.BytesIO(content), hashlib.sha256(content).hexdigest())


def test_a_lab_at_work_comes_back_elsewhere(
    make_run: MakeRun,
    dataset: Dataset,
    elsewhere: Place,
    tmp_path: Path,
    broker: "Redis[bytes]",
    faults: Faults,
    start_process: StartProcess,
    start_worker: StartProcess,
    background: Callable[[Callable[[], object]], threading.Thread],
) -> None:
    person = User.objects.create_user("alice")
    done, going, waiting = make_run(steps=2), make_run(steps=600, pause=0.1), make_run(steps=3)
    worker = start_worker("gpu")
    for run in (done, going, waiting):
        ask(EXECUTE_TASK, run.pk)
    wait_for_state(done, RunState.SUCCEEDED, seconds=90)
    wait_until(lambda: RunEvent.objects.filter(run=going, type="checkpoint").count() >= 3, 60)
    enough, uploads = threading.Event(), []

    def people_upload() -> None:
        while not enough.is_set():
            upload(dataset, person, len(uploads))
            uploads.append(1)

    background(people_upload)
    wait_until(lambda: len(uploads) > 2)
    archive = tmp_path / "lab.tar"
    with faults.inject("the whole machine is lost while it works, and restored from its back-up") as case:
        try:
            before = len(uploads)
            made = this_place(storage_root()).manage("backup", str(archive))
        finally:
            enough.set()
        assert made.returncode == 0, made.stderr
        assert len(uploads) > before, "people went on"
        going.refresh_from_db()
        assert going.state == RunState.RUNNING
        # The lab and all that it knew are gone.
        worker.kill()
        broker.delete("gpu", "io", "serve", "unacked", "unacked_index")
        case.strikes()
        restored = elsewhere.manage("restore", str(archive))
        assert restored.returncode == 0, restored.stderr
        check_objects(elsewhere, archive)
        with elsewhere.connect() as server:
            states = dict(server.execute("select id, state from experiments_run").fetchall())
            assert states == {done.pk: "succeeded", going.pk: "running", waiting.pk: "queued"}
            saved = server.execute(
                "select count(*) from experiments_runevent where type = 'checkpoint' and run_id = %s", [going.pk]
            )
            steps = int(str((saved.fetchone() or (0,))[0]))
        assert steps >= 3
        # So that the end is near: what it does until then it does once.
        shorten(elsewhere, going, steps + 40)
        addresses = {"DATABASE_URL": elsewhere.url, "STORAGE_URL": f"file://{elsewhere.storage}"}
        start_process("workers.reaper", WORKER_SILENCE_SECONDS="15", **addresses)
        start_process("celery", "-A", "tests.workers.stand_in_app", "worker", "-Q", "gpu", "--without-mingle", **addresses)
        wait_until(lambda: set(states_of(elsewhere).values()) == {"succeeded"}, 150)
        case.right()
        with elsewhere.connect() as server:
            for run in (done, going, waiting):
                counted = server.execute(
                    "select (select count(*) from experiments_samplerecommendation where run_id = %(run)s),"
                    " (select count(*) from experiments_layeradapter where run_id = %(run)s)",
                    {"run": run.pk},
                )
                assert counted.fetchone() == (1, 1), f"{run} has its result once"
            said = server.execute(
                "select payload->>'message' from experiments_runevent where run_id = %s and type = 'log'"
                " and payload->>'message' like 'begins%%' order by attempt",
                [going.pk],
            ).fetchall()
            losses = server.execute("select attempt, losses from experiments_run where id = %s", [going.pk]).fetchone()
        begins = [int(str(message).split()[-1]) for (message,) in said]
        # The files are younger than the rows, never older.
        assert begins[0] == 0
        assert begins[-1] >= steps
        assert losses == (2, 1)


def check_objects(elsewhere: Place, archive: Path) -> None:
    """Every object that a row names is there, whole, or the back-up says that it is missing."""
    named = set(elsewhere.python("-c", NAMED).stdout.split())
    stored = files(elsewhere.storage)
    folders = {"/".join(name.split("/")[:length]) for name in stored for length in range(1, name.count("/") + 2)}
    assert named - folders == set(check_archive(archive).missing) == {"uploads/none"}
    with elsewhere.connect() as server:
        parts = server.execute("select stored, sha256, size from datasets_uploadpart").fetchall()
    assert len(parts) >= 3
    for name, sha256, size in parts:
        assert (hashlib.sha256(stored[str(name)]).hexdigest(), len(stored[str(name)])) == (sha256, size)


def shorten(elsewhere: Place, run: Run, steps: int) -> None:
    (elsewhere.storage / run.folder_key / "behaviour.json").write_text(f'{{"steps": {steps}}}')


def states_of(elsewhere: Place) -> dict[object, object]:
    with elsewhere.connect() as server:
        return dict(server.execute("select id, state from experiments_run").fetchall())
