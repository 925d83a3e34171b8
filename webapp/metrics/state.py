"""How things stand: runs, queues, workers, versions of the software."""

import platform
from importlib.metadata import PackageNotFoundError, version

import django
from django.db.models import Count
from django.utils import timezone

from webapp.broker import queue_names
from webapp.experiments.models import Run, RunState
from webapp.fleet.models import NodeKind
from webapp.fleet.queues import backlog, lengths
from webapp.fleet.standing import is_silent, read_fleet
from webapp.metrics.exposition import Family


def state_families() -> list[Family]:
    """All gauges: four queries and one question to the broker, which may be two seconds old."""
    return [_build(), _runs(), *_queues(), *_workers()]


def _build() -> Family:
    family = Family("dareclab_build_info", "gauge", "Versions of the software; always 1.")
    family.add(1, {"version": _own_version(), "django": django.get_version(), "python": platform.python_version()})
    return family


def _own_version() -> str:
    try:
        return version("darec-lab")
    except PackageNotFoundError:
        # Run from a checkout that was never installed.
        return "unknown"


def _runs() -> Family:
    family = Family("dareclab_runs", "gauge", "Runs of all projects, by state.")
    known = dict(Run.objects.order_by().values_list("state").annotate(number=Count("pk")))
    for state in RunState:
        family.add(known.get(state, 0), {"state": state.value})
    return family


def _queues() -> list[Family]:
    messages = Family("dareclab_queue_messages", "gauge", "Messages that wait at the broker, by queue; none while it is away.")
    rows = Family("dareclab_queue_rows", "gauge", "Rows in Postgres that wait for a worker, by queue.")
    oldest = Family("dareclab_queue_oldest_seconds", "gauge", "How long the oldest of them has waited.")
    broker = Family("dareclab_broker_up", "gauge", "1 if the broker answers.")
    known, waiting, now = lengths(), backlog(), timezone.now()
    broker.add(0 if known is None else 1)
    for queue in queue_names():
        if known is not None:
            messages.add(known[queue], {"queue": queue})
        rows.add(waiting[queue].rows, {"queue": queue})
        since = waiting[queue].oldest
        oldest.add(max(0.0, (now - since).total_seconds()) if since else 0, {"queue": queue})
    return [broker, messages, rows, oldest]


def _workers() -> list[Family]:
    heard = Family("dareclab_workers", "gauge", "Workers that take messages from a queue and were heard lately.")
    busy = Family("dareclab_workers_busy", "gauge", "Those of them that have their hands full.")
    kinds = Family("dareclab_processes", "gauge", "Processes that were heard lately, by kind.")
    fleet = read_fleet(frozenset())
    for queue in queue_names():
        listeners = fleet.listeners(queue)
        heard.add(len(listeners), {"queue": queue})
        busy.add(sum(len(node.jobs.all()) >= node.concurrency for node in listeners), {"queue": queue})
    for kind in NodeKind:
        here = sum(node.kind == kind and not is_silent(node, fleet.now) for node in fleet.nodes)
        kinds.add(here, {"kind": kind.value})
    return [heard, busy, kinds]
