"""Processes and queues as the workers page shows them."""

from datetime import datetime
from typing import Any

from webapp.display import NOTHING, moment, since, size
from webapp.fleet.models import Job, NodeKind, WorkerNode
from webapp.fleet.queues import Backlog
from webapp.fleet.standing import Fleet, command, heard, is_silent

_KINDS = {NodeKind.BEAT: "beat: looks after what must be done from time to time", NodeKind.REAPER: "reaper: finds what was lost"}


def queue_rows(fleet: Fleet, backlogs: dict[str, Backlog], lengths: dict[str, int] | None) -> list[dict[str, Any]]:
    """One line a queue: who listens, what waits, and why."""
    rows = []
    for queue, backlog in backlogs.items():
        messages = None if lengths is None else lengths.get(queue, 0)
        listeners = fleet.listeners(queue)
        rows.append(
            {
                "name": queue,
                "listeners": len(listeners),
                "hands": sum(node.concurrency for node in listeners),
                "free": fleet.free_hands(queue),
                "messages": NOTHING if messages is None else f"{messages:,}",
                "rows": f"{backlog.rows:,}",
                "parts": ", ".join(backlog.parts),
                "longest": since(backlog.oldest, fleet.now) if backlog.oldest else "",
                "why": fleet.why(backlog, messages),
            }
        )
    return rows


def node_rows(fleet: Fleet) -> list[dict[str, Any]]:
    """One block a worker, those that are heard first."""
    workers = [node for node in fleet.nodes if node.kind == NodeKind.WORKER]
    return [_node(fleet, node) for node in sorted(workers, key=lambda node: (is_silent(node, fleet.now), node.celery_name))]


def helper_rows(fleet: Fleet) -> list[dict[str, Any]]:
    """Beat and reaper, and which of them is missing."""
    rows = [_node(fleet, node) for node in fleet.nodes if node.kind != NodeKind.WORKER]
    starts = {NodeKind.BEAT: "celery -A workers.app beat", NodeKind.REAPER: "python -m workers.reaper"}
    missing = [
        {"missing": _KINDS[kind], "start": starts[kind]} for kind in (NodeKind.BEAT, NodeKind.REAPER) if not fleet.has(kind)
    ]
    return rows + missing


def worker_marks(fleet: Fleet) -> list[dict[str, Any]]:
    """A short mark of each worker that is heard, for the home page: its state, its queues, the memory of its GPUs or its own."""
    marks = []
    for node in fleet.nodes:
        if node.kind == NodeKind.WORKER and not is_silent(node, fleet.now):
            gpus = [f"{gpu['name']} {gpu['memory']}" for gpu in gpu_lines(node)]
            marks.append(
                {
                    "name": str(node),
                    "state": _state(node, len(node.jobs.all()), fleet.now),
                    "queues": ", ".join(node.queues),
                    "memory": ", ".join(gpus) or f"{machine(node)['free']} memory free",
                }
            )
    return marks


def starts(queues: list[str]) -> list[str]:
    """What starts a worker for each queue."""
    return [command(queue) for queue in queues]


def _node(fleet: Fleet, node: WorkerNode) -> dict[str, Any]:
    jobs = list(node.jobs.all())
    return {
        "name": str(node),
        "process": node.name,
        "what": _KINDS.get(NodeKind(node.kind), ""),
        "state": _state(node, len(jobs), fleet.now),
        "heard": heard(node, fleet.now),
        "silent": is_silent(node, fleet.now),
        "queues": ", ".join(node.queues) or NOTHING,
        "concurrency": node.concurrency,
        "software": node.software,
        "since": moment(node.started_at),
        "machine": machine(node),
        "gpus": gpu_lines(node),
        "jobs": [_job(fleet, job) for job in jobs],
    }


def _state(node: WorkerNode, jobs: int, now: datetime) -> dict[str, str]:
    if is_silent(node, now):
        return {"name": "lost", "shape": "?", "word": "silent"}
    if node.stopping:
        return {"name": "cancelling", "shape": "\N{DOUBLE VERTICAL LINE}", "word": "stopping"}
    if node.kind != NodeKind.WORKER:
        return {"name": "running", "shape": "●", "word": "alive"}
    return {"name": "running", "shape": "●", "word": "working"} if jobs else {"name": "ready", "shape": "○", "word": "idle"}


def _job(fleet: Fleet, job: Job) -> dict[str, Any]:
    known = job.project_id in fleet.mine
    return {
        "title": fleet.job_title(job),
        "path": job.path if known else "",
        "since": since(job.started_at, fleet.now),
        **usage(job.node.sample.get("jobs", {}).get(str(job.pid), {})),
    }


def usage(values: dict[str, Any]) -> dict[str, str]:
    """What a process group uses: processor, memory, GPU memory; an en dash where there is no sample yet."""
    cpu, memory, gpu = values.get("cpu"), values.get("memory"), values.get("gpu_memory")
    return {
        "cpu": NOTHING if cpu is None else f"{cpu:.0f} %",
        "memory": NOTHING if memory is None else gigabytes(memory),
        "gpu_memory": "" if gpu is None else gigabytes(gpu),
    }


def machine(node: WorkerNode) -> dict[str, Any]:
    """Processors and memory of its machine, and how much is taken."""
    total, sample = node.devices.get("memory"), node.sample
    return {
        "cpus": node.devices.get("cpus"),
        "cpu": NOTHING if sample.get("cpu") is None else f"{sample['cpu']:.0f} %",
        "memory": gigabytes(total) if total else NOTHING,
        "free": gigabytes(sample["memory_free"]) if "memory_free" in sample else NOTHING,
        "fraction": round(sample["memory_used"] / total, 3) if total and "memory_used" in sample else None,
        "own": gigabytes(sample["own_memory"]) if "own_memory" in sample else NOTHING,
    }


def gpu_lines(node: WorkerNode) -> list[dict[str, Any]]:
    """Each GPU: its name, load and memory as they were at the last sample."""
    samples = {gpu["index"]: gpu for gpu in node.sample.get("gpus", [])}
    lines = []
    for gpu in node.devices.get("gpus", []):
        now = samples.get(gpu["index"], {})
        used, total, load = now.get("memory_used"), gpu.get("memory"), now.get("utilisation")
        lines.append(
            {
                "index": gpu["index"],
                "name": gpu["name"],
                "load": NOTHING if load is None else f"{load:.0f} %",
                "memory": f"{NOTHING if used is None else gigabytes(used)} of {gigabytes(total) if total else NOTHING}",
                "free": gigabytes(total - used) if total and used is not None else NOTHING,
                "fraction": round(used / total, 3) if total and used is not None else None,
            }
        )
    return lines


def gigabytes(number: float) -> str:
    """``71.2 GB`` from 1 GB on, else as ``webapp.display.size``."""
    return f"{number / 1024**3:,.1f} GB" if number >= 1024**3 else size(number)
