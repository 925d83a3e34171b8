"""Asking workers for work, by task name and id only. A message says "look at row 42"; Postgres is the truth."""

import logging
from functools import cache
from typing import Any

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from webapp.request_ids import current_request_id

_log = logging.getLogger(__name__)

INGEST_TASK = "datasets.ingest"
EXECUTE_TASK = "runs.execute"
DERIVE_TASK = "datasets.derive"
COMPARE_TASK = "groups.compare"
COMPARE_RUNS_TASK = "runs.compare"
ADVANCE_TASK = "searches.advance"
ANSWER_TASK = "datasets.answer"
DELIVER_TASK = "notices.deliver"
SERVE_TASK = "serving.answer"
ECHO_TASK = "maintenance.echo"
MIRROR_TASK = "mlflow.mirror"
LISTS_TASK = "delivering.recommend"
QUEUES = {
    INGEST_TASK: "io",
    DERIVE_TASK: "io",
    ANSWER_TASK: "io",
    EXECUTE_TASK: "gpu",
    COMPARE_TASK: "io",
    COMPARE_RUNS_TASK: "io",
    ADVANCE_TASK: "io",
    DELIVER_TASK: "io",
    LISTS_TASK: "io",
    SERVE_TASK: "serve",
    ECHO_TASK: "io",
    MIRROR_TASK: "io",
}
"""The queue of each task; the queues that there are follow from it."""


REQUEST_ID = "request_id"
"""Header of a message: the id of the request that it comes from."""


def queue_names() -> list[str]:
    """All queues, in the order in which the tasks name them."""
    return list(dict.fromkeys(QUEUES.values()))


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


def ask(task: str, row: int, expires: float | None = None, queue: str = "") -> None:
    """Send ``task`` for the row with primary key ``row``. Call it after the row is committed (``transaction.on_commit``).

    After ``expires`` seconds no worker looks at the message any more. ``queue`` is another one than the task's own.

    Raises kombu.exceptions.OperationalError where the broker does not answer; the reaper sends the message again later,
    because the row says that it is queued.
    """
    # For the log alone: a worker's lines then name the request that a person made.
    request_id = current_request_id()
    headers = {REQUEST_ID: request_id} if request_id else None
    producer().send_task(task, args=[row], queue=queue or QUEUES[task], expires=expires, headers=headers)


def ask_or_wait(task: str, row: int) -> bool:
    """``ask``, but where the broker does not answer, log it and return False: the row stays queued and the reaper asks again."""
    try:
        ask(task, row)
    except OperationalError as error:
        _log.warning("the broker does not answer, %s for row %d waits for the reaper: %s", task, row, error)
        return False
    return True


def waiting(name: str) -> int:
    """Messages in queue ``name`` that no worker has taken; raises kombu.exceptions.OperationalError if the broker is away.

    The queue and its binding are declared anew: a broker that lost its data knows neither, and would drop what is sent.
    """
    app = producer()
    with app.connection_for_write() as connection:
        try:
            queue = app.amqp.queues[name](connection.default_channel)
            queue.declare()
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue=name, durable=True).message_count)
        except (*connection.connection_errors, *connection.channel_errors) as error:
            raise OperationalError(str(error)) from error


def answers() -> bool:
    """Whether the broker can be reached right now."""
    with producer().connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
        except OperationalError:
            return False
    return True
