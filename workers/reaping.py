"""Finding what was lost, from Postgres alone, and having it done again.

A job whose heartbeat is silent is a lost attempt. A row that is queued while the broker holds no message is asked for again.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerDown

from webapp.broker import QUEUES, ask, waiting
from webapp.datasets.models import Derived, DerivedState, Version, VersionState
from webapp.experiments.models import WORKING_STATES, Run
from webapp.serving.models import Ask, AskState
from workers import derivations
from workers.attempts import RunAttempt, VersionAttempt
from workers.database import DATABASE_DOWN
from workers.lists.states import lose, silent
from workers.outbox import WAITING
from workers.timings import Timings

_log = logging.getLogger(__name__)


@dataclass
class Reaper:
    """Looks every few seconds; survives outages of database and broker.

    Attributes:
        clock: seconds, monotonic. Whose sign of life is how old, the database's clock alone says.
        awake_since: when it began to see the database (``clock``); silence from before then proves nothing.
    """

    timings: Timings
    clock: Callable[[], float] = time.monotonic
    awake_since: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        self.awake_since = self.awake_since or self.clock()

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop`` is set."""
        _log.info("the reaper looks every %g s for jobs silent for %g s", self.timings.look, self.timings.silence)
        while not stop.is_set():
            self.look()
            stop.wait(self.timings.look)
        connection.close()

    def look(self) -> None:
        """One look at everything. Where the database or the broker is away, the rest waits for the next look."""
        try:
            if self._may_judge():
                self.lose_silent_runs()
                self.lose_silent_versions()
                self.lose_silent_lists()
                self.lose_silent_derived()
                self.lose_silent_asks()
            self.repeat_lost_messages()
        except DATABASE_DOWN as error:
            _log.warning("the database does not answer, looking again later: %s", str(error).strip())
            connection.close()
            # While it was away nobody could beat.
            self.awake_since = self.clock()
        except BrokerDown as error:
            _log.warning("the broker does not answer, looking again later: %s", str(error).strip())

    def lose_silent_runs(self) -> None:
        """Take silent attempts at runs for lost; a cancelled run ends as cancelled."""
        silent = self._silent(Run.objects.filter(state__in=WORKING_STATES))
        for pk, number in silent.values_list("pk", "attempt"):
            reason = f"its worker was silent for {self.timings.silence:g} seconds"
            if RunAttempt(pk, number).lose(reason):
                _log.warning("run %d, attempt %d: %s", pk, number, reason)

    def lose_silent_versions(self) -> None:
        """Take silent attempts at reading uploads for lost."""
        silent = self._silent(Version.objects.filter(state=VersionState.INGESTING))
        for pk, number in silent.values_list("pk", "attempt"):
            if VersionAttempt(pk, number).lose():
                _log.warning("version %d, attempt %d was lost", pk, number)

    def lose_silent_lists(self) -> None:
        """Take silent attempts at lists for everybody for lost."""
        for pk, number in silent(self.timings.silence).values_list("pk", "attempt"):
            if lose(pk, number):
                _log.warning("lists %d, attempt %d were lost", pk, number)

    def lose_silent_derived(self) -> None:
        """Take silent attempts at archives, reports and differences for lost."""
        silent = self._silent(Derived.objects.filter(state=DerivedState.MAKING))
        for pk, number in silent.values_list("pk", "attempt"):
            if derivations.lose(pk, number):
                _log.warning("derived %d, attempt %d was lost", pk, number)

    def lose_silent_asks(self) -> None:
        """Questions to runs whose worker is silent wait for another one: it changes nothing if both answer."""
        silent = self._silent(Ask.objects.filter(state=AskState.ASKED, taken_at__isnull=False))
        if lost := silent.update(taken_at=None):
            _log.warning("%d questions to runs lost their worker", lost)

    def repeat_lost_messages(self) -> None:
        """Ask again for rows that have waited for a while, in queues that hold no message at all.

        A queue with any message is left alone: workers empty it in time, and a long queue must not be flooded. A message
        too many is harmless, because only one claim succeeds.
        """
        empty: dict[str, bool] = {}
        for kind in WAITING:
            queue = QUEUES[kind.task]
            if not kind.rows(self.timings.resend_after).exists():
                continue
            if queue not in empty:
                empty[queue] = waiting(queue) == 0
            if empty[queue] and (due := kind.due(self.timings.resend_after)):
                _log.warning("queue %s holds no message for %d waiting rows of %s: asking again", queue, len(due), kind.task)
                for pk in due:
                    ask(kind.task, pk)

    def _silent(self, rows: "QuerySet[Model]") -> "QuerySet[Model]":
        since = Now() - timedelta(seconds=self.timings.silence)
        return rows.filter(Q(heartbeat_at__lt=since) | Q(heartbeat_at__isnull=True))

    def _may_judge(self) -> bool:
        """Whether everybody has had time to beat since this reaper and the database started."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())")
            (database_age,) = cursor.fetchone()
        awake = self.clock() - self.awake_since
        return min(awake, float(database_age)) >= self.timings.quiet_start
