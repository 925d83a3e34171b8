"""The log of workers, children, beat and reaper: one JSON object a line, which names what it is about."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Context

from tests.workers.fixtures import Run, RunState, wait_for_state
from tests.workers.waiting import wait_until
from webapp.broker import EXECUTE_TASK, QUEUES, ask
from webapp.fleet.models import JobKind, NodeKind, WorkerNode
from webapp.logs.about import known_ids
from webapp.request_ids import answering
from workers import naming
from workers.app import app

StartProcess = Callable[..., "subprocess.Popen[bytes]"]
MakeRun = Callable[..., Run]


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_each_task_and_each_order_is_about_something() -> None:
    assert set(naming.NOUN_OF_TASK) == set(QUEUES)
    nouns = {naming.NOUN_OF_ORDER.get(kind, kind) for kind in JobKind.values}
    assert nouns <= set(naming.NOUN_OF_TASK.values())


@pytest.mark.parametrize("given", ["a b", "x" * 99, "a\nb", 7, None])
def test_an_id_of_a_message_that_is_none_is_left_out(given: object) -> None:
    app.loader.import_default_modules()
    task = app.tasks[EXECUTE_TASK]
    task.request_stack.push(Context(headers={"request_id": given}))
    try:
        naming._begin("t-1", task, [3])
        assert known_ids() == {"task": EXECUTE_TASK, "task_id": "t-1", "run": 3}
    finally:
        naming._end()
        task.request_stack.pop()
    assert known_ids() == {}


@pytest.mark.services
def test_worker_child_beat_and_reaper(
    make_run: MakeRun,
    start_process: StartProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    run = make_run(steps=3, fail="fault")
    start_process("celery", "--quiet", "-A", "tests.workers.stand_in_app", "worker", "-Q", "gpu", "--without-mingle")
    start_process("celery", "--quiet", "-A", "tests.workers.stand_in_app", "beat", "--pidfile=")
    start_process("workers.reaper")
    with answering("of-a-person"):
        ask(EXECUTE_TASK, run.pk)
    wait_for_state(run, RunState.FAILED)
    wait_until(lambda: set(WorkerNode.objects.values_list("kind", flat=True)) == set(NodeKind.values))
    worker, beat, reaper = (tmp_path / f"process-{number}.log" for number in range(3))
    wait_until(lambda: any(line["logger"] == "celery.beat" for line in lines_of(beat)))
    wait_until(lambda: any(line["logger"] == "workers.reaping" for line in lines_of(reaper)))
    wait_until(lambda: any(line["logger"] == "celery.app.trace" for line in lines_of(worker)))
    found = lines_of(worker)
    assert {"celery.worker.strategy", "celery.app.trace", "workers.child"} <= {line["logger"] for line in found}
    begun = next(line for line in found if line["logger"] == "workers.child")
    ids = {name: begun[name] for name in ("run", "attempt", "task", "request_id")}
    assert ids == {"run": run.pk, "attempt": 1, "task": EXECUTE_TASK, "request_id": "of-a-person"}
    # The child and the process above it name the same task.
    done = next(line for line in found if line["logger"] == "celery.app.trace")
    assert done["task_id"] == begun["task_id"]
    assert done["process"] != begun["process"]
    failed = next(line for line in found if "exception" in line)
    assert (failed["run"], failed["attempt"]) == (run.pk, 1)
    assert failed["exception"].endswith("ZeroDivisionError: a secret path")
