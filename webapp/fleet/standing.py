"""How the processes are: who is there, who is silent, who has a hand free, and why something waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from webapp.display import duration, since
from webapp.fleet.models import Job, NodeKind, WorkerNode
from webapp.fleet.queues import Backlog

SILENT_AFTER = timedelta(seconds=30)
"""A process reports every 5 s; after so long it is shown as silent."""
OTHERS = "something of another project"
_NAMED = 3


def is_silent(node: WorkerNode, now: datetime) -> bool:
    """Whether it has not been heard for ``SILENT_AFTER``."""
    return now - node.heartbeat_at > SILENT_AFTER


@dataclass(frozen=True)
class Fleet:
    """All processes at one moment.

    Attributes:
        nodes: with their jobs, silent ones too.
        mine: primary keys of the viewer's projects; what belongs to others is not named.
    """

    nodes: list[WorkerNode]
    mine: frozenset[int]
    now: datetime

    def listeners(self, queue: str) -> list[WorkerNode]:
        """Workers that are heard and take messages from ``queue``."""
        return [
            node
            for node in self.nodes
            if node.kind == NodeKind.WORKER and queue in node.queues and not node.stopping and not is_silent(node, self.now)
        ]

    def free_hands(self, queue: str) -> int:
        """How many more things of ``queue`` could be begun now."""
        return sum(max(0, node.concurrency - len(node.jobs.all())) for node in self.listeners(queue))

    def has(self, kind: NodeKind) -> bool:
        """Whether a process of this kind is heard."""
        return any(node.kind == kind and not is_silent(node, self.now) for node in self.nodes)

    def job_title(self, job: Job) -> str:
        """What it is called, for this viewer."""
        if job.project_id in self.mine and job.title:
            return job.title
        return f"a {job.kind} of another project" if job.kind in ("run", "search") else OTHERS

    def why(self, backlog: Backlog, messages: int | None) -> "Reason":
        """Why rows of a queue wait, and what to do.

        Args:
            messages: at the broker; None if it does not answer.
        """
        queue, rows = backlog.queue, backlog.rows
        listeners = self.listeners(queue)
        if not listeners and rows:
            return Reason("warning", f"No worker listens to {queue}: nothing of it begins.", command(queue))
        if not listeners:
            return Reason("idle", f"No worker listens to {queue}.", command(queue))
        if not rows:
            return Reason("fine", "Nothing waits.")
        if not self.free_hands(queue):
            return Reason("fine", f"{self._all_busy(listeners)} The next one that is free takes it.")
        if messages is None:
            again = "the reaper asks again once it does" if self.has(NodeKind.REAPER) else "and no reaper runs to ask again"
            return Reason("warning", f"The broker does not answer: {again}.", "" if self.has(NodeKind.REAPER) else REAPER)
        if messages:
            return Reason("fine", "A free worker takes it at once.")
        if self.has(NodeKind.REAPER):
            return Reason("fine", "It has just been taken, or its message was lost: the reaper asks again within seconds.")
        return Reason("warning", "Its message was lost, and no reaper runs to ask again.", REAPER)

    def _all_busy(self, listeners: list[WorkerNode]) -> str:
        jobs = [job for node in listeners for job in node.jobs.all()]
        named = [f"{self.job_title(job)} for {since(job.started_at, self.now)}" for job in jobs[:_NAMED]]
        more = f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else ""
        who = "The only worker is busy" if len(listeners) == 1 else f"All {len(listeners)} workers are busy"
        return f"{who}: {', '.join(named)}{more}."


@dataclass(frozen=True)
class Reason:
    """Why something waits; ``kind`` is "fine", "idle" or "warning", ``start`` a command that helps, if one does."""

    kind: str
    words: str
    start: str = ""


REAPER = "python -m workers.reaper"


def command(queue: str) -> str:
    """What starts a worker for ``queue``."""
    return f"celery -A workers.app worker --queues {queue}"


def read_fleet(projects: frozenset[int], now: datetime | None = None) -> Fleet:
    """The fleet as its rows say: two queries."""
    return Fleet(list(WorkerNode.objects.prefetch_related("jobs")), projects, now or timezone.now())


def heard(node: WorkerNode, now: datetime) -> str:
    """How old its last sign of life is."""
    return duration((now - node.heartbeat_at).total_seconds())
