"""Asking workers for work, by task name and id only. A message says "look at row 42"; Postgres is the truth."""

from functools import cache

from celery import Celery
from django.conf import settings

INGEST_TASK = "datasets.ingest"
EXECUTE_TASK = "runs.execute"
QUEUES = {INGEST_TASK: "io", EXECUTE_TASK: "gpu"}


@cache
def _producer() -> Celery:
    app = Celery("webapp", broker=settings.BROKER_URL, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        task_ignore_result=True,
        broker_transport_options={"socket_connect_timeout": 3, "socket_timeout": 5},
        task_publish_retry=False,
    )
    return app


def ask(task: str, row: int) -> None:
    """Send ``task`` for the row with primary key ``row``. Call it after the row is committed (``transaction.on_commit``).

    Raises kombu.exceptions.OperationalError where the broker does not answer; the reaper sends the message again later,
    because the row says that it is queued.
    """
    _producer().send_task(task, args=[row], queue=QUEUES[task])
