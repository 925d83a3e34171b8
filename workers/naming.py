"""What a task or an order is about, so that each line of a worker's log names run, search or version, and attempt."""

from typing import Any

from celery.signals import task_postrun, task_prerun

from webapp.broker import (
    ADVANCE_TASK,
    ANSWER_TASK,
    COMPARE_RUNS_TASK,
    COMPARE_TASK,
    DELIVER_TASK,
    DERIVE_TASK,
    ECHO_TASK,
    EXECUTE_TASK,
    INGEST_TASK,
    LISTS_TASK,
    MIRROR_TASK,
    REQUEST_ID,
    SERVE_TASK,
)
from webapp.logs.about import begin_about
from webapp.request_ids import sane_request_id

NOUN_OF_TASK = {
    EXECUTE_TASK: "run",
    INGEST_TASK: "version",
    DERIVE_TASK: "derived",
    ANSWER_TASK: "question",
    SERVE_TASK: "ask",
    LISTS_TASK: "lists",
    COMPARE_TASK: "group",
    COMPARE_RUNS_TASK: "comparison",
    ADVANCE_TASK: "search",
    DELIVER_TASK: "delivery",
    MIRROR_TASK: "mirror",
    ECHO_TASK: "echo",
}
"""What the number in a message is the primary key of."""
NOUN_OF_ORDER = {"derive": "derived", "ingest": "version", "compare": "group", "compare-runs": "comparison"}
"""The same for ``workers.crew.Order.kind``; the others are called like their kind."""


@task_prerun.connect
def _begin(task_id: str, task: Any, args: Any, **_: Any) -> None:
    ids: dict[str, str | int] = {"task": task.name, "task_id": task_id}
    noun = NOUN_OF_TASK.get(task.name)
    if noun and args and isinstance(args[0], int):
        ids[noun] = args[0]
    given = getattr(task.request, REQUEST_ID, None) or (getattr(task.request, "headers", None) or {}).get(REQUEST_ID)
    if isinstance(given, str) and sane_request_id(given) == given:
        ids["request_id"] = given
    begin_about(ids)


@task_postrun.connect
def _end(**_: Any) -> None:
    begin_about({})
