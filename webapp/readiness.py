"""Is the site ready? ``/healthz`` says that this process lives; ``/readyz`` that database, broker and workers answer it.

``/readyz?only=web`` asks for what a page needs: the database. Without a broker or a worker every page is there, what people
launch is queued, and the reaper asks for it later: to take web servers out of service then would make a small outage a whole one.
"""

import threading
import time

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError as BrokerDown

from webapp import broker
from webapp.fleet.models import Echo
from webapp.fleet.standing import read_fleet

_FRESH_SECONDS = 2.0
_LOOK = 0.5
_QUEUE = broker.QUEUES[broker.ECHO_TASK]
FINE, BUSY, SILENT = "ok", "busy", "does not answer"


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if all parts are fine, else 503; each is said apart. However many ask, workers are asked once in two seconds."""
    web_alone = request.GET.get("only") == "web"
    parts = {"database": FINE if database_answers() else SILENT} if web_alone else _CHECK.read()
    return JsonResponse(parts, status=200 if SILENT not in parts.values() else 503, headers={"Cache-Control": "no-store"})


def database_answers() -> bool:
    """Whether Postgres can be reached right now."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


class _Check:
    """The last answer, and a lock: whoever comes while a worker is being asked waits for the same answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._parts: dict[str, str] = {}

    def read(self) -> dict[str, str]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._parts = _look()
                self._until = time.monotonic() + _FRESH_SECONDS
            return self._parts

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


_CHECK = _Check()


def forget() -> None:
    """Look anew next time; for tests."""
    _CHECK.forget()


def _look() -> dict[str, str]:
    if not database_answers():
        return {"database": SILENT, "broker": FINE if broker.answers() else SILENT, "worker": SILENT}
    try:
        answered = worker_answers()
    except BrokerDown:
        return {"database": FINE, "broker": SILENT, "worker": SILENT}
    except DatabaseError:
        # It went away while the worker was asked.
        return {"database": SILENT, "broker": FINE, "worker": SILENT}
    # A worker that reads ten million rows answers nobody for minutes, and all is well.
    worker = FINE if answered else BUSY if all_busy() else SILENT
    return {"database": FINE, "broker": FINE, "worker": worker}


def worker_answers(queue: str = _QUEUE, seconds: float | None = None) -> bool:
    """Whether a worker of ``queue`` answers a task that does nothing; raises kombu.exceptions.OperationalError.

    Args:
        seconds: how long to wait; None: READY_WAIT_SECONDS.
    """
    patience = settings.READY_WAIT_SECONDS if seconds is None else seconds
    echo = Echo.objects.create()
    try:
        # Nobody waits for it any longer then; and messages must not pile up where there is no worker.
        broker.ask(broker.ECHO_TASK, echo.pk, expires=4 * patience, queue=queue)
        return _wait(echo, patience)
    finally:
        Echo.objects.filter(pk=echo.pk).delete()


def _wait(echo: Echo, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    with connection.cursor() as cursor:
        # The channel is made of a number of ours.
        cursor.execute(f"LISTEN {echo.channel}")
        try:
            while True:
                if Echo.objects.filter(pk=echo.pk, answered_at__isnull=False).exists():
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                # A notice of Postgres may be lost with its connection: look again after a while in any case.
                for _ in connection.connection.notifies(timeout=min(left, _LOOK), stop_after=1):
                    pass
        finally:
            cursor.execute(f"UNLISTEN {echo.channel}")


def all_busy(queue: str = _QUEUE) -> bool:
    """Whether workers listen to ``queue``, and each has its hands full."""
    fleet = read_fleet(frozenset())
    return bool(fleet.listeners(queue)) and not fleet.free_hands(queue)
