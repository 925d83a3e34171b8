"""Rows of workers for the tests of their pages."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from webapp.fleet.models import Job, NodeKind, WorkerNode

GIB = 1024**3


def make_node(
    name: str = "gpu-1", queues: tuple[str, ...] = ("gpu",), heard: datetime | None = None, **values: Any
) -> WorkerNode:
    """A worker that was heard just now, with 64 GiB and one GPU."""
    now = heard or timezone.now()
    known: dict[str, Any] = {
        "name": f"{name}:42",
        "celery_name": f"{name}@host",
        "host": "host",
        "pid": 42,
        "queues": list(queues),
        "devices": {
            "cpus": 16,
            "memory": 64 * GIB,
            "gpus": [{"index": 0, "uuid": "GPU-a", "name": "NVIDIA H100", "memory": 80 * GIB}],
        },
        "sample": {
            "cpu": 12.5,
            "memory_used": 16 * GIB,
            "memory_free": 48 * GIB,
            "own_memory": 2 * GIB,
            "own_cpu": 180.0,
            "gpus": [{"index": 0, "utilisation": 97.0, "memory_used": 71 * GIB, "memory": 80 * GIB}],
            "jobs": {"77": {"cpu": 150.0, "memory": 3 * GIB, "gpu_memory": 70 * GIB}},
        },
        "software": "0.1.0",
        "started_at": now,
        "heartbeat_at": now,
    }
    return WorkerNode.objects.create(**{**known, **values})


def make_helpers() -> None:
    """Beat and a reaper."""
    for kind in (NodeKind.BEAT, NodeKind.REAPER):
        make_node(f"{kind}-1", (), kind=kind, celery_name="", devices={}, sample={})


def give_job(node: WorkerNode, run: Any, pid: int = 77, **values: Any) -> Job:
    """``run`` is in the worker's hand, and says so."""
    type(run).objects.filter(pk=run.pk).update(state="running", worker=node.name, attempt=1)
    run.refresh_from_db()
    known = {"kind": "run", "row": run.pk, "attempt": 1, "project": run.project, "title": str(run), "path": f"/runs/{run.pk}"}
    return Job.objects.create(node=node, pid=pid, **{"started_at": timezone.now(), **known, **values})
