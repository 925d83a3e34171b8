"""The Celery app: ``celery -A workers.app worker -Q gpu`` (or ``io``, ``serve``), ``celery -A workers.app beat``.

Postgres is the truth and the reaper repeats lost messages, so messages are acknowledged early and never delivered again by
the broker. This process never imports torch: all work is done in child processes.
"""

import contextlib
import os
import signal
import threading
import time
from typing import Any

import django
import psutil
from celery import Celery
from celery.signals import celeryd_init, setup_logging, worker_process_init, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django.setup()

from django.conf import settings  # noqa: E402

import workers.naming  # noqa: E402 - they connect themselves
import workers.presence.signals  # noqa: E402, F401
from webapp.broker import QUEUES  # noqa: E402
from webapp.logs.printed import log_what_is_printed  # noqa: E402
from workers.leash import die_with  # noqa: E402
from workers.timings import Timings  # noqa: E402

_STAND_STILL = Timings.from_environment().stand_still
# Where no server is named, nobody looks.
_MIRRORS = {"mirrors": {"task": "mlflow.look", "schedule": 10.0, "options": {"queue": "io", "expires": 10}}}
app = Celery("dareclab", broker=settings.BROKER_URL, include=["workers.tasks"])
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_default_queue="io",
    task_routes={name: {"queue": queue} for name, queue in QUEUES.items()},
    # Early: a training outlives every visibility timeout, and a job that kills its worker must not come back for ever.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    # A message that waits in a busy worker is hidden from idle ones, and from the reaper.
    worker_prefetch_multiplier=1,
    worker_consumer="workers.consumer:Consumer",
    worker_disable_prefetch=True,
    worker_concurrency=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # A message is unacknowledged for milliseconds only; one whose worker died just then comes back within this time.
        "visibility_timeout": 120,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
    timezone="UTC",
    # In memory, so that no schedule file is left in the working folder.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        "sweep": {"task": "maintenance.sweep", "schedule": 3600.0, "options": {"queue": "io", "expires": 3600}},
        "searches": {"task": "searches.look", "schedule": _STAND_STILL, "options": {"queue": "io", "expires": 60}},
        **(_MIRRORS if settings.MLFLOW_TRACKING_URI else {}),
    },
)


@celeryd_init.connect
def _log_from_the_beginning(**_: Any) -> None:
    """Celery has warnings before it sets up its log."""
    log_what_is_printed()


@setup_logging.connect
def _keep_logging(**_: Any) -> None:
    """Django's LOGGING setting has set up the log already; Celery must not replace it."""
    log_what_is_printed()


@worker_process_init.connect
def _die_with_worker(**_: Any) -> None:
    """A pool process whose worker was killed ends too, and with it (see ``workers.leash``) the child that it watches."""
    die_with(os.getppid())


@worker_shutting_down.connect
def _stop_children(**_: Any) -> None:
    """The worker was told to stop: let the children reach a checkpoint and give their runs back, or it would wait for hours."""
    threading.Thread(target=_keep_stopping_children, name="stop", daemon=True).start()


def _keep_stopping_children() -> None:
    # Again and again until this process ends: a child may just be starting.
    while True:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                # Only a child leads a session of its own; the pool's processes end by themselves once it has ended.
                if os.getsid(process.pid) == process.pid:
                    process.send_signal(signal.SIGTERM)
        time.sleep(1)
