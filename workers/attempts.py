"""One attempt at a row's work. Every write names the attempt it belongs to, so that a stale one changes nothing (fencing)."""

import enum
import logging
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from webapp.broker import EXECUTE_TASK, INGEST_TASK, ask_or_wait
from webapp.datasets.models import Version, VersionState
from webapp.experiments.models import MAX_ATTEMPTS, WORKING_STATES, AttemptRecord, Ending, Run, RunEvent, RunState
from webapp.notices.writing import runs_ended, version_ended
from webapp.quotas.measuring import count_work
from webapp.quotas.room import why_stop
from webapp.searches.asking import tell_searches
from workers.database import DATABASE_DOWN
from workers.failures import READING_LOST, Failure, Kind, lost_for_good
from workers.remedies import suited

_log = logging.getLogger(__name__)


class Pulse(enum.Enum):
    """What a heartbeat learned: go on, end at a checkpoint (cancelled, or out of time), or the attempt is no longer ours."""

    HELD = "held"
    CANCEL = "cancel"
    SPENT = "spent"
    GONE = "gone"


class Attempt(Protocol):
    """What supervision needs of an attempt. Each method returns at once without a change if the attempt is stale."""

    @property
    def pk(self) -> int:
        """Primary key of the row."""

    @property
    def number(self) -> int:
        """The fencing number."""

    def beat(self) -> Pulse:
        """Say that the work goes on."""

    def give_back(self) -> bool:
        """Queue the row again because the service stops; no loss. False if the attempt was stale."""

    def fail(self, failure: Failure) -> bool:
        """End as failed. False if the attempt was stale."""


@dataclass(frozen=True)
class RunAttempt:
    """Attempt ``number`` at run ``pk``."""

    pk: int
    number: int

    def rows(self) -> QuerySet[Run]:
        """The run, as long as this attempt holds it; no row afterwards."""
        return Run.objects.filter(pk=self.pk, attempt=self.number, state__in=WORKING_STATES)

    def lock(self) -> Run | None:
        """The run, locked until the end of the transaction; None if the attempt is stale."""
        return self.rows().select_for_update(no_key=True).first()

    def beat(self) -> Pulse:
        """Write the heartbeat, and see whether somebody asked to cancel, or the run or its project is out of time."""
        if not self.rows().update(heartbeat_at=Now()):
            return Pulse.GONE
        held = self.rows().values_list("project", "cancel_requested_at").first()
        if held is None:
            return Pulse.GONE
        project, cancelled = held
        if cancelled is not None:
            return Pulse.CANCEL
        return Pulse.SPENT if why_stop(self.pk, project) else Pulse.HELD

    @transaction.atomic
    def give_back(self) -> bool:
        """Queue the run again because the service stops (or end it, if somebody asked to cancel)."""
        run = self.lock()
        if run is None:
            return False
        if run.state == RunState.CANCELLING:
            return self._end(run, RunState.CANCELLED)
        self.note("warning", "The worker was stopped; the run waits and goes on from its last checkpoint.")
        self.close(run, Ending.GIVEN_BACK, "its worker was stopped")
        self._queue_again()
        return True

    @transaction.atomic
    def lose(self, reason: str) -> bool:
        """Count a lost attempt: queue the run again, or end it as lost after the third; a cancelled one ends as cancelled.

        Args:
            reason: how it was lost, to follow "Attempt 1 was lost: ".
        """
        run = self.lock()
        if run is None:
            return False
        if run.state == RunState.CANCELLING:
            return self._end(run, RunState.CANCELLED, reason)
        losses = run.losses + 1
        if losses >= MAX_ATTEMPTS:
            failure = suited(lost_for_good(losses, reason), run)
            return self._end(run, RunState.LOST, reason, losses=losses, **failure.columns())
        self.close(run, Ending.LOST, reason)
        self.note("warning", f"Attempt {self.number} was lost: {reason}. The run goes on from its last checkpoint.")
        self._queue_again(losses=losses)
        return True

    @transaction.atomic
    def fail(self, failure: Failure) -> bool:
        """End as failed; of a fault of ours, people see the reference only."""
        run = self.lock()
        if run is None:
            return False
        failure = suited(failure, run)
        self.note("log", f"Failed: {failure.message}")
        return self._end(run, RunState.FAILED, failure.message, **failure.columns())

    @transaction.atomic
    def cancel(self) -> bool:
        """End as cancelled."""
        run = self.lock()
        return run is not None and self._end(run, RunState.CANCELLED)

    def stop_for_time(self) -> bool:
        """End as failed because the run or its project is out of time; what it did before its last checkpoint is kept."""
        project = self.rows().values_list("project", flat=True).first()
        reason = why_stop(self.pk, project) if project is not None else None
        # Whoever has raised the limit meanwhile has it go on at once.
        return self.give_back() if reason is None else self.fail(Failure(reason.message, reason.hint, kind=Kind.QUOTA))

    def note(self, kind: str, message: str) -> None:
        """Put a line of ours ("log" or "warning") behind the events of this attempt; call it with the run locked."""
        last = RunEvent.objects.filter(run_id=self.pk, attempt=self.number).aggregate(last=Max("sequence"))["last"]
        payload = {"message": message} if kind == "log" else {"message": message, "hint": ""}
        RunEvent.objects.create(
            run_id=self.pk,
            attempt=self.number,
            sequence=0 if last is None else last + 1,
            type=kind,
            payload=payload,
            created_at=timezone.now(),
        )

    def close(self, run: Run, ending: Ending, reason: str = "") -> None:
        """Note how this attempt ended; call it with the run locked, in the transaction that ends the attempt."""
        record = AttemptRecord.objects.filter(run=run, number=self.number, ended_at=None)
        if record.update(ended_at=Now(), ending=ending, reason=reason, reached=run.progress) and run.started_at:
            count_work(run.project_id, (timezone.now() - run.started_at).total_seconds())

    def _end(self, run: Run, state: RunState, reason: str = "", **columns: Any) -> bool:
        self.close(run, Ending(state.value), reason)
        self.rows().update(state=state, finished_at=Now(), **columns)
        tell_searches([self.pk])
        runs_ended([self.pk])
        return True

    def _queue_again(self, **columns: Any) -> None:
        self.rows().update(state=RunState.QUEUED, queued_at=Now(), heartbeat_at=None, worker="", **columns)
        transaction.on_commit(lambda: ask_or_wait(EXECUTE_TASK, self.pk))


@dataclass(frozen=True)
class VersionAttempt:
    """Attempt ``number`` at ingesting version ``pk``."""

    pk: int
    number: int

    def rows(self) -> QuerySet[Version]:
        """The version, as long as this attempt holds it; no row afterwards."""
        return Version.objects.filter(pk=self.pk, attempt=self.number, state=VersionState.INGESTING)

    def beat(self) -> Pulse:
        """Write the heartbeat. Who cancels reading removes the row: then the attempt is gone."""
        return Pulse.HELD if self.rows().update(heartbeat_at=Now()) else Pulse.GONE

    def note(self, step: str, done: int = 0, of: int = 0) -> None:
        """Say how far reading is: ``step`` in words, and of it so many bytes where known, if the database is there."""
        try:
            self.rows().update(progress={"step": step, "done": done, "of": of})
        except DATABASE_DOWN as error:
            _log.warning("%s cannot say how far it is: %s", self, str(error).strip())
            connection.close()

    @transaction.atomic
    def give_back(self) -> bool:
        """Queue the version again because the service stops."""
        changed = self.rows().update(state=VersionState.QUEUED, heartbeat_at=None, progress={})
        if changed:
            transaction.on_commit(lambda: ask_or_wait(INGEST_TASK, self.pk))
        return bool(changed)

    def lose(self) -> bool:
        """Queue the version again after its worker was lost, or end it as failed after the third time."""
        return self.fail(READING_LOST) if self.number >= MAX_ATTEMPTS else self.give_back()

    def fail(self, failure: Failure) -> bool:
        """End as failed, with the error and what to do about it."""
        return self.end(state=VersionState.FAILED, error=failure.message, hint=failure.hint)

    @transaction.atomic
    def end(self, **columns: Any) -> bool:
        """Write the final state with ``columns``, and tell whose version it is. False if the attempt was stale."""
        changed = self.rows().update(finished_at=Now(), heartbeat_at=None, **columns)
        if changed:
            version_ended(self.pk)
        return bool(changed)
