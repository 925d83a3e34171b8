"""What the fleet knows of one run: its place in the queue while it waits, its worker's machine while it is worked on."""

from typing import Any

from django.db.models import Q
from django.utils import timezone

from webapp.broker import EXECUTE_TASK, QUEUES
from webapp.display import count
from webapp.experiments.models import WORKING_STATES, Run, RunState
from webapp.fleet.display import gpu_lines, machine, usage
from webapp.fleet.models import Job, JobKind
from webapp.fleet.queues import Backlog
from webapp.fleet.standing import Fleet, heard, is_silent, read_fleet


def waiting_words(run: Run, projects: frozenset[int]) -> str:
    """Why a queued run waits, e.g. "3 runs before it; no worker listens to gpu"; empty unless it is queued. Three queries."""
    if run.state != RunState.QUEUED or run.queued_at is None:
        return ""
    queued = Run.objects.filter(state=RunState.QUEUED)
    # Messages are taken in the order in which they were sent.
    before = queued.filter(Q(queued_at__lt=run.queued_at) | Q(queued_at=run.queued_at, pk__lt=run.pk)).count()
    return f"{_place(before)}; {_reason(read_fleet(projects), before)}"


def _place(before: int) -> str:
    if not before:
        return "it is the next one"
    return f"{count(before)} run{'s' if before > 1 else ''} before it"


def _reason(fleet: Fleet, before: int) -> str:
    queue = QUEUES[EXECUTE_TASK]
    free = fleet.free_hands(queue)
    if free > before:
        return "a worker is free and takes it in a moment"
    if free:
        return f"{count(free)} of the workers of {queue} are free"
    # Without asking the broker: a page that is polled must not wait for it.
    words = fleet.why(Backlog(queue, before + 1), messages=1).words.split(". ")[0].rstrip(".")
    return words[0].lower() + words[1:]


def worker_of(run: Run) -> dict[str, Any] | None:
    """The machine and the child process that work on ``run``; None if nobody does, or did not say so yet. One query."""
    if run.state not in WORKING_STATES:
        return None
    jobs = Job.objects.filter(kind=JobKind.RUN, row=run.pk, attempt=run.attempt, node__name=run.worker)
    job = jobs.select_related("node").first()
    if job is None:
        return None
    now = timezone.now()
    sample = job.node.sample.get("jobs", {}).get(str(job.pid))
    return {
        "name": str(job.node),
        "pid": job.pid,
        "sampled": sample is not None,
        "usage": usage(sample or {}),
        "machine": machine(job.node),
        "gpus": gpu_lines(job.node),
        "heard": heard(job.node, now),
        "silent": is_silent(job.node, now),
    }
