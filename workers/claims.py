"""Claiming a queued row, so that a message that is delivered twice is worked on once."""

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from webapp.datasets.models import Version, VersionState
from webapp.experiments.models import AttemptRecord, Run, RunState
from workers.attempts import RunAttempt, VersionAttempt
from workers.presence.node import Node, this_node


def claim_run(pk: int, worker: str = "") -> RunAttempt | None:
    """Take the queued run ``pk`` for a new attempt; None if it is not queued (taken, cancelled, deleted).

    Args:
        worker: who takes it, for people; this host and process if empty.
    """
    with transaction.atomic():
        taken = Run.objects.filter(pk=pk, state=RunState.QUEUED).update(
            state=RunState.STARTING,
            attempt=F("attempt") + 1,
            worker=worker or this_worker(),
            started_at=Now(),
            heartbeat_at=Now(),
            finished_at=None,
            cancel_requested_at=None,
            error="",
            hint="",
            reference="",
            remedy={},
        )
        return _begin(Run.objects.only("attempt", "worker", "started_at", "progress").get(pk=pk)) if taken else None


def _begin(run: Run) -> RunAttempt:
    """Note that the attempt has begun. How far the run had come stays on the page; when it would have ended does not."""
    AttemptRecord.objects.create(run=run, number=run.attempt, worker=run.worker, started_at=run.started_at or timezone.now())
    if run.progress:
        run.progress = {"phase": "preparing", "fraction": run.progress.get("fraction", 0.0)}
        run.save(update_fields=["progress"])
    return RunAttempt(run.pk, run.attempt)


def claim_version(pk: int) -> VersionAttempt | None:
    """Take the queued version ``pk`` for a new attempt at reading it; None if it is not queued."""
    with transaction.atomic():
        taken = Version.objects.filter(pk=pk, state=VersionState.QUEUED).update(
            state=VersionState.INGESTING, attempt=F("attempt") + 1, heartbeat_at=Now(), finished_at=None, error="", hint=""
        )
        return VersionAttempt(pk, Version.objects.values_list("attempt", flat=True).get(pk=pk)) if taken else None


def this_worker() -> str:
    """Host and process id, as runs name their worker: those of the worker's parent process, as ``WorkerNode.name``."""
    node = this_node()
    return node.name if node else Node().name
