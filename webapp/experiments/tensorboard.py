"""A run's curves, metrics and settings as a TensorBoard event file, made of what it reported."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection

from engine.neighbours import tensorboard
from webapp.experiments.events import FAMILY, GENERATIONS
from webapp.experiments.models import ENDED_STATES, Run, RunEvent, RunState

_BATCH = 2000
# Each attempt of the run, and of those that it extends, the oldest first, with the first step that it reported.
_SQL = f"""
{FAMILY}
SELECT family.id, attempt, min((payload->>'step')::bigint)
FROM family JOIN {RunEvent._meta.db_table} event ON event.run_id = family.id
WHERE type = 'metric' GROUP BY back, family.id, attempt ORDER BY back DESC, attempt
"""  # nosec B608  # names of tables and columns; values are parameters  # noqa: S608 - names of ours


def event_file_name(run: Run) -> str:
    """TensorBoard knows its files by the ``tfevents`` in the name."""
    return tensorboard.file_name((run.started_at or run.created_at).timestamp(), str(run))


def event_file(run: Run) -> Iterator[bytes]:
    """The file, a piece at a time.

    Each step is told once: what a later attempt, or the run that extends another, trained again stands in place of the former.
    """
    begin = (run.started_at or run.created_at).timestamp()
    yield tensorboard.head(begin) + tensorboard.description(run.spec, str(run), begin)
    step = 0
    for payload, moment in _metrics(run):
        step = max(step, int(payload["step"]))
        yield tensorboard.scalars(payload["values"], int(payload["step"]), moment.timestamp(), payload["split"])
    finished = run.finished_at.timestamp() if run.finished_at else begin
    if run.state == RunState.SUCCEEDED:
        yield tensorboard.outcome(run.valid, run.test, step, finished) + tensorboard.end("success", finished)
    elif run.state in ENDED_STATES:
        yield tensorboard.end("failure", finished)


def _metrics(run: Run) -> Iterator[tuple[dict[str, Any], datetime]]:
    """Payload and time of the metric events that count, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"run": run.pk, "generations": GENERATIONS})
        parts = list(cursor.fetchall())
    for index, (pk, attempt, _) in enumerate(parts):
        over = min((first for _, _, first in parts[index + 1 :]), default=None)
        last = -1
        while batch := _batch(pk, attempt, last):
            last = batch[-1].sequence
            yield from ((one.payload, one.created_at) for one in batch if over is None or one.payload["step"] < over)


def _batch(run: int, attempt: int, after: int) -> list[RunEvent]:
    found = RunEvent.objects.filter(run_id=run, type="metric", attempt=attempt, sequence__gt=after)
    return list(found.order_by("sequence")[:_BATCH])
