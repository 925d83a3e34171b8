"""Finding what was lost, from Postgres alone, and having it done again.

A job whose heartbeat is silent is a lost attempt. A row that is queued while the broker holds no message is asked for again.
"""

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerDown

from webapp.broker import ANSWER_TASK, DELIVER_TASK, EXECUTE_TASK, INGEST_TASK, LISTS_TASK, QUEUES, SERVE_TASK, ask, waiting
from webapp.datasets.models import Question, QuestionState, Version, VersionState
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.models import WORKING_STATES, Run, RunState
from webapp.notices.models import Delivery
from webapp.serving.models import Ask, AskState
from workers.attempts import RunAttempt, VersionAttempt
from workers.database import DATABASE_DOWN
from workers.lists.states import lose, silent
from workers.timings import Timings

_log = logging.getLogger(__name__)
AT_ONCE = 100
"""At most so many messages are sent again to a queue in one look."""


@dataclass
class Reaper:
    """Looks every few seconds; survives outages of database and broker.

    Attributes:
        awake_since: when it began to see the database (monotonic clock); silence from before then proves nothing.
    """

    timings: Timings
    awake_since: float = field(default_factory=time.monotonic)

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
            self.repeat_lost_messages()
        except DATABASE_DOWN as error:
            _log.warning("the database does not answer, looking again later: %s", str(error).strip())
            connection.close()
            # While it was away nobody could beat.
            self.awake_since = time.monotonic()
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

    def repeat_lost_messages(self) -> None:
        """Ask again for rows that have been queued for a while, in queues that hold no message at all.

        A queue with any message is left alone: workers empty it in time, and a long queue must not be flooded. A message
        too many is harmless, because only one claim succeeds.
        """
        before = Now() - timedelta(seconds=self.timings.resend_after)
        runs = Run.objects.filter(state=RunState.QUEUED, queued_at__lt=before)
        versions = Version.objects.filter(state=VersionState.QUEUED, created_at__lt=before)
        self._repeat(EXECUTE_TASK, runs.order_by("queued_at", "pk"))
        questions = Question.objects.filter(state=QuestionState.ASKED, asked_at__lt=before)
        self._repeat(INGEST_TASK, versions.order_by("pk"))
        self._repeat(ANSWER_TASK, questions.order_by("pk"))
        lists = UserLists.objects.filter(state=ListsState.QUEUED, asked_at__lt=before)
        self._repeat(LISTS_TASK, lists.order_by("asked_at", "pk"))
        # A further try of what failed is asked for here too.
        deliveries = Delivery.objects.filter(sent_at=None, next_try_at__lt=before)
        self._repeat(DELIVER_TASK, deliveries.order_by("next_try_at", "pk"))
        # One that a worker took is lost only if that worker is.
        lost = Q(taken_at=None) | Q(taken_at__lt=Now() - timedelta(seconds=self.timings.serve_wall))
        self._repeat(SERVE_TASK, Ask.objects.filter(lost, state=AskState.ASKED, asked_at__lt=before).order_by("pk"))

    def _repeat(self, task: str, rows: "QuerySet[Model]") -> None:

        queued = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        if queued and waiting(QUEUES[task]) == 0:
            _log.warning("queue %s holds no message for %d queued rows: asking again", QUEUES[task], len(queued))
            for pk in queued:
                ask(task, pk)

    def _silent(self, rows: "QuerySet[Model]") -> "QuerySet[Model]":
        since = Now() - timedelta(seconds=self.timings.silence)
        return rows.filter(Q(heartbeat_at__lt=since) | Q(heartbeat_at__isnull=True))

    def _may_judge(self) -> bool:
        """Whether everybody has had time to beat since this reaper and the database started."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())")
            (database_age,) = cursor.fetchone()
        awake = time.monotonic() - self.awake_since
        return min(awake, float(database_age)) >= self.timings.quiet_start
