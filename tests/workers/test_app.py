import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from redis import Redis

from tests.workers.fixtures import Dataset, Run, RunState, Version, VersionState, storage_root, wait_for_state
from tests.workers.waiting import wait_until
from webapp.broker import EXECUTE_TASK, INGEST_TASK, ask
from webapp.experiments.models import RunEvent
from workers.app import app

StartProcess = Callable[..., "subprocess.Popen[bytes]"]
MakeRun = Callable[..., Run]


def test_the_tasks_go_to_their_queues() -> None:
    app.loader.import_default_modules()
    queues = {"runs.execute": "gpu", "datasets.ingest": "io", "groups.compare": "io", "maintenance.sweep": "io"}
    queues |= {"searches.advance": "io", "searches.look": "io", "serving.answer": "serve"}
    assert set(queues) <= set(app.tasks)
    assert {name: app.amqp.router.route({}, name)["queue"].name for name in queues} == queues
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_only_json_is_accepted_and_no_message_is_held_back() -> None:
    conf = app.conf
    assert list(conf.accept_content) == ["json"]
    assert conf.result_backend is None
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (False, False)
    assert (conf.worker_prefetch_multiplier, conf.worker_disable_prefetch) == (1, True)
    assert conf.broker_connection_retry_on_startup


def test_the_worker_never_imports_torch() -> None:
    code = (
        "import sys, workers.app; workers.app.app.loader.import_default_modules(); import workers.reaping;"
        "print([name for name in ('torch', 'transformers', 'peft', 'polars', 'engine.run') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.services
def test_a_real_worker_takes_messages_from_the_broker(
    make_run: MakeRun, dataset: Dataset, broker: "Redis[bytes]", start_worker: StartProcess
) -> None:
    key = "uploads/real-worker"
    folder = storage_root() / key
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"u{user},i{item},{item}" for user in range(5) for item in range(4)]
    (folder / "interactions.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    version = Version.objects.create(dataset=dataset, number=2, upload_key=key, filters={"core": 0})
    run = make_run()
    ask(EXECUTE_TASK, run.pk)
    ask(EXECUTE_TASK, run.pk)
    ask(INGEST_TASK, version.pk)
    ask(INGEST_TASK, 4711)
    start_worker("gpu,io")
    wait_for_state(run, RunState.SUCCEEDED)

    def ended() -> bool:
        version.refresh_from_db()
        return version.state in (VersionState.READY, VersionState.FAILED)

    wait_until(ended)
    assert (version.state, version.users, version.error) == (VersionState.READY, 5, "")
    wait_until(lambda: broker.llen("gpu") == broker.llen("io") == broker.hlen("unacked") == 0)
    run.refresh_from_db()
    assert (run.state, run.attempt) == (RunState.SUCCEEDED, 1)


@pytest.mark.services
def test_the_real_methods_run_end_to_end(make_run: MakeRun, start_worker: StartProcess) -> None:
    small = {"training.epochs": 2, "training.threads": 1, "method.blocks": 1}
    popularity, sasrec = make_run(), make_run(small, preset="sasrec")
    ask(EXECUTE_TASK, popularity.pk)
    ask(EXECUTE_TASK, sasrec.pk)
    start_worker("gpu", app="workers.app")
    for run in (popularity, sasrec):
        wait_for_state(run, RunState.SUCCEEDED, RunState.FAILED, seconds=90)
        assert (run.state, run.error) == (RunState.SUCCEEDED, "")
        assert 0 <= run.test["ndcg@10"] <= run.test["hr@10"] <= 1
        assert run.protocol["candidates"] == "full"
        assert run.samples.count() > 0
        assert len(run.samples.all()[0].recommended) == 10
        result = json.loads((storage_root() / run.folder_key / "result.json").read_text())
        assert result["test"] == run.test
    assert sasrec.trainable_parameters
    kinds = set(RunEvent.objects.filter(run=sasrec).values_list("type", flat=True))
    assert {"metric", "checkpoint"} <= kinds
    assert sasrec.progress["fraction"] == 1
