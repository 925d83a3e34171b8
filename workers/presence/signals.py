"""Celery's signals by which a worker and beat say that they are there. Imported by ``workers.app``."""

from typing import Any

from celery.signals import beat_init, celeryd_init, worker_ready, worker_shutdown, worker_shutting_down

from webapp.fleet.models import NodeKind
from workers.presence.node import Node, introduce
from workers.presence.reporting import Presence
from workers.timings import Timings

_present: list[Presence] = []


@celeryd_init.connect
def _worker_begins(sender: str, **_: Any) -> None:
    """Before the pool is forked: its processes name this node as the worker of what they claim."""
    introduce(Node(celery_name=sender))


@worker_ready.connect
def _worker_is_ready(sender: Any, **_: Any) -> None:
    """The consumer hears its queues; ``sender`` is the consumer."""
    queues = tuple(str(name) for name in sender.app.amqp.queues.consume_from)
    concurrency = int(getattr(sender.controller, "concurrency", 0) or 1)
    node = Node(celery_name=sender.hostname, queues=queues, concurrency=concurrency)
    introduce(node)
    _appear(node)


@beat_init.connect
def _beat_begins(**_: Any) -> None:
    _appear(Node(NodeKind.BEAT))


@worker_shutting_down.connect
def _worker_stops(**_: Any) -> None:
    for presence in _present:
        presence.stopping = True


@worker_shutdown.connect
def _worker_is_gone(**_: Any) -> None:
    for presence in _present:
        presence.stop()
    _present.clear()


def _appear(node: Node) -> None:
    presence = Presence(node, Timings.from_environment().presence)
    _present.append(presence)
    presence.start()
