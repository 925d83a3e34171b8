"""Writing the engine's events to Postgres in batches, from a thread of its own, so that training never waits for it."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from engine.events import CheckpointEvent, Event, ProgressEvent, ResultEvent
from webapp.experiments.models import RunEvent, RunState
from workers.attempts import RunAttempt
from workers.database import DATABASE_DOWN
from workers.text import storable
from workers.timings import Timings

_log = logging.getLogger(__name__)
BATCH = 100
"""So many waiting events are written without waiting for the clock."""


class Recorder:
    """The ``report`` of a run that a worker executes.

    Metric, log, warning and checkpoint events become rows; of progress only the last is kept, on the run. While the database
    is away, events wait. If the attempt is stale, nothing is written any more.

    Args:
        on_checkpoint: called in the reporting thread for each checkpoint event, while its folder is complete.
    """

    def __init__(self, attempt: RunAttempt, timings: Timings, on_checkpoint: Callable[[CheckpointEvent], None]) -> None:
        self._attempt = attempt
        self._timings = timings
        self._on_checkpoint = on_checkpoint
        self._changed = threading.Condition()
        self._rows: list[RunEvent] = []
        self._progress: ProgressEvent | None = None
        self._sequence = 0
        self._closing = False
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._write_on, name="recorder", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Take an event. Raises what went wrong in writing earlier ones, unless the database was away."""
        self._raise_fault()
        if isinstance(event, CheckpointEvent):
            self._on_checkpoint(event)
        with self._changed:
            if isinstance(event, ProgressEvent):
                self._progress = event
            elif not isinstance(event, ResultEvent):
                self._rows.append(self._row(event))
            self._changed.notify()

    def close(self) -> None:
        """Write what waits, for at most ``timings.give_up`` seconds if the database is away. Raises like a call."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._raise_fault()

    def _row(self, event: Event) -> RunEvent:
        row = RunEvent(
            run_id=self._attempt.pk,
            attempt=self._attempt.number,
            sequence=self._sequence,
            type=event.type,
            payload=storable(event.model_dump(mode="json", exclude={"type"})),
            created_at=timezone.now(),
        )
        self._sequence += 1
        return row

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _write_on(self) -> None:
        try:
            while self._wait():
                self._write()
            self._write_last()
        except Exception as error:
            # Raised again in the thread that reports, where it ends the run as a fault of ours.
            self._fault = error
        finally:
            connection.close()

    def _wait(self) -> bool:
        """Wait until something is worth writing; False when closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or bool(self._rows) or self._progress is not None)
            self._changed.wait_for(lambda: self._closing or len(self._rows) >= BATCH, timeout=self._timings.write)
            return not self._closing

    def _write_last(self) -> None:
        deadline = time.monotonic() + self._timings.give_up
        while not self._write():
            if time.monotonic() > deadline:
                _log.error("%s: %d events could not be written", self._attempt, len(self._rows))
                return

    def _write(self) -> bool:
        """Write all that waits; False if the database is away (after a pause), and then it still waits."""
        with self._changed:
            rows, progress = list(self._rows), self._progress
        try:
            write_batch(self._attempt, rows, progress)
        except DATABASE_DOWN as error:
            _log.warning("events wait for the database: %s", str(error).strip())
            connection.close()
            time.sleep(self._timings.write)
            return False
        with self._changed:
            del self._rows[: len(rows)]
            if self._progress is progress:
                self._progress = None
        return True


@transaction.atomic
def write_batch(attempt: RunAttempt, rows: list[RunEvent], progress: ProgressEvent | None) -> bool:
    """Write events, progress and the state that follows from it; False, and nothing written, if the attempt is stale.

    Bears being done twice: a batch that was committed although its answer was lost is not written again.
    """
    run = attempt.lock()
    if run is None:
        return False
    RunEvent.objects.bulk_create(rows, ignore_conflicts=True)
    columns: dict[str, Any] = {}
    if progress is not None:
        columns["progress"] = storable(progress.model_dump(mode="json", exclude={"type"}))
        if progress.epoch is None:
            # Preparing a run that goes on: it is as far as it was.
            columns["progress"]["fraction"] = max(progress.fraction, float(run.progress.get("fraction", 0.0)))
        if run.state != RunState.CANCELLING:
            evaluating = progress.phase.startswith("evaluating test")
            columns["state"] = RunState.EVALUATING if evaluating else RunState.RUNNING
    elif rows and run.state == RunState.STARTING:
        columns["state"] = RunState.RUNNING
    if columns:
        attempt.rows().update(**columns)
    return True
