"""Who this process is. Said in the parent of a worker before its pool is forked, so that the pool's processes know it too."""

import os
import socket
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from webapp.fleet.models import NodeKind

_known: "list[Node]" = []


@dataclass(frozen=True)
class Node:
    """A process that reports itself.

    Attributes:
        celery_name: its name among Celery's nodes; empty for the reaper.
        queues: those it takes messages from, known once it is ready.
        concurrency: how many things it does at the same time.
    """

    kind: NodeKind = NodeKind.WORKER
    celery_name: str = ""
    queues: tuple[str, ...] = ()
    concurrency: int = 1
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)

    @property
    def name(self) -> str:
        """``host:pid``, at most 200 characters."""
        return f"{self.host}:{self.pid}"[:200]


def introduce(node: Node) -> None:
    """Say that this process, and whatever is forked from it, belongs to ``node``."""
    _known[:] = [node]


def this_node() -> Node | None:
    """The node that this process belongs to; None in a process that is none of a worker's."""
    return _known[0] if _known else None


def software() -> str:
    """The version of this software, empty where it is not installed as a package."""
    try:
        return version("darec-lab")
    except PackageNotFoundError:
        return ""
