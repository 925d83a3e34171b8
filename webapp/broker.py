"""Asking workers for work, by task name and id only. A message says "look at row 42"; Postgres is the truth."""

import logging
from functools import cache

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

_log = logging.getLogger(__name__)

INGEST_TASK = "datasets.ingest"
EXECUTE_TASK = "runs.execute"
DERIVE_TASK = "datasets.derive"
COMPARE_TASK = "groups.compare"
ADVANCE_TASK = "searches.advance"
ANSWER_TASK = "datasets.answer"
SERVE_TASK = "serving.answer"
QUEUES = {
    INGEST_TASK: "io",
    DERIVE_TASK: "io",
    ANSWER_TASK: "io",
    EXECUTE_TASK: "gpu",
    COMPARE_TASK: "io",
    ADVANCE_TASK: "io",
    SERVE_TASK: "serve",
}


@cache
def producer() -> Celery:
    """A Celery app that only sends, and gives up within seconds where the broker is away."""
    app = Celery("webapp", broker=settings.BROKER_URL, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        task_ignore_result=True,
        broker_transport_options={
            "socket_connect_timeout": 2,
            "socket_timeout": 3,
            # A page must not wait for a dead broker: the reaper repeats what could not be sent.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0,
            "interval_max": 0,
            "connect_retries_timeout": 2,
        },
        task_publish_retry=False,
    )
    return app


def ask(task: str, row: int) -> None:
    """Send ``task`` for the row with primary key ``row``. Call it after the row is committed (``transaction.on_commit``).

    Raises kombu.exceptions.OperationalError where the broker does not answer; the reaper sends the message again later,
    because the row says that it is queued.
    """
    producer().send_task(task, args=[row], queue=QUEUES[task])


def ask_or_wait(task: str, row: int) -> bool:
    """``ask``, but where the broker does not answer, log it and return False: the row stays queued and the reaper asks again."""
    try:
        ask(task, row)
    except OperationalError as error:
        _log.warning("the broker does not answer, %s for row %d waits for the reaper: %s", task, row, error)
        return False
    return True


def answers() -> bool:
    """Whether the broker can be reached right now."""
    with producer().connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
        except OperationalError:
            return False
    return True
