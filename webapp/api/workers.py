"""Workers by REST: who works, what waits, and why. What belongs to projects of others has no name."""

import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from webapp.api.answers import ERRORS, example, user_of
from webapp.fleet.models import Job, WorkerNode
from webapp.fleet.queues import backlog, lengths
from webapp.fleet.standing import Fleet, is_silent, read_fleet

router = Router(tags=["workers"])


class QueueOut(Schema):
    """A queue."""

    model_config = example(
        name="gpu", listeners=1, free=0, messages=3, rows=3, oldest="2026-11-26T10:00:00Z", why="All are busy.", hint=""
    )

    name: str
    listeners: int = Field(description="workers that take messages from it")
    free: int = Field(description="how many more things could be begun now")
    messages: int | None = Field(description="at the broker; null while it does not answer")
    rows: int = Field(description="things that wait, of all projects")
    oldest: datetime.datetime | None = Field(description="since when the one that waits longest does")
    why: str
    hint: str


class JobOut(Schema):
    """What a worker has in hand."""

    model_config = example(kind="run", title="run-142", path="/runs/142", started_at="2026-11-26T10:00:02Z")

    kind: str
    title: str = Field(description="of another project's: only what kind of thing it is")
    path: str
    started_at: datetime.datetime


class WorkerOut(Schema):
    """A process of ours."""

    model_config = example(
        name="gpu@host",
        kind="worker",
        queues=["gpu"],
        concurrency=1,
        software="1.0",
        silent=False,
        stopping=False,
        started_at="2026-11-26T09:00:00Z",
        heartbeat_at="2026-11-26T10:00:30Z",
        devices={"cpus": 2, "memory": 8589934592, "gpus": []},
        cpu=42.0,
        memory_used=4294967296,
        gpus=[],
        jobs=[],
    )

    name: str
    kind: str = Field(description="worker, beat or reaper")
    queues: list[str]
    concurrency: int
    software: str
    silent: bool = Field(description="it has not been heard for 30 s")
    stopping: bool
    started_at: datetime.datetime
    heartbeat_at: datetime.datetime
    devices: dict[str, Any] = Field(description="cpus; memory in bytes; gpus with names and memory in bytes")
    cpu: float | None = Field(description="% of all cores of its machine, at the last sign of life")
    memory_used: int | None = Field(description="bytes, of its machine")
    gpus: list[dict[str, Any]] = Field(description="utilisation in %, memory_used and memory in bytes")
    jobs: list[JobOut]


class FleetOut(Schema):
    """Queues and processes at one moment."""

    model_config = example(queues=[], workers=[])

    queues: list[QueueOut]
    workers: list[WorkerOut]


@router.get("", response={200: FleetOut, **ERRORS}, operation_id="list_workers")
def list_workers(request: HttpRequest) -> dict[str, Any]:
    """Queues, workers and what they have in hand; for everybody with a token."""
    fleet = read_fleet(frozenset(user_of(request).memberships.values_list("project", flat=True)))
    known = lengths()
    queues = []
    for name, waiting in backlog().items():
        messages = None if known is None else known.get(name, 0)
        why = fleet.why(waiting, messages)
        queues.append(
            {
                "name": name,
                "listeners": len(fleet.listeners(name)),
                "free": fleet.free_hands(name),
                "messages": messages,
                "rows": waiting.rows,
                "oldest": waiting.oldest,
                "why": why.words,
                "hint": why.start,
            }
        )
    return {"queues": queues, "workers": [_worker(fleet, node) for node in fleet.nodes]}


def _worker(fleet: Fleet, node: WorkerNode) -> dict[str, Any]:
    names = ("kind", "queues", "concurrency", "software", "stopping", "started_at", "heartbeat_at", "devices")
    about = {name: getattr(node, name) for name in names}
    sample = node.sample
    return {
        **about,
        "name": str(node),
        "silent": is_silent(node, fleet.now),
        "cpu": sample.get("cpu"),
        "memory_used": sample.get("memory_used"),
        "gpus": sample.get("gpus", []),
        "jobs": [_job(fleet, job) for job in node.jobs.all()],
    }


def _job(fleet: Fleet, job: Job) -> dict[str, Any]:
    path = job.path if job.project_id in fleet.mine else ""
    return {"kind": job.kind, "title": fleet.job_title(job), "path": path, "started_at": job.started_at}
