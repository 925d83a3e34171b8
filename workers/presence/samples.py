"""What a process can say of its machine and of its children: processors, memory, GPUs."""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from workers.presence.gpus import GpuReader


@dataclass
class Sampler:
    """Takes samples; the processor's load is that since the sample before, so the first one says 0."""

    gpus: GpuReader = field(default_factory=GpuReader)
    cgroup: Path = Path("/sys/fs/cgroup")
    _seen: dict[int, psutil.Process] = field(default_factory=dict)

    def devices(self) -> dict[str, Any]:
        """``WorkerNode.devices``."""
        return {
            "cpus": _cpus(),
            "memory": memory_of(self.cgroup)[0],
            "gpus": [{name: asdict(gpu)[name] for name in ("index", "uuid", "name", "memory")} for gpu in self.gpus.read()],
        }

    def sample(self, jobs: Iterable[int]) -> dict[str, Any]:
        """``WorkerNode.sample``.

        Args:
            jobs: process ids of the children that work on something, each the leader of a group.
        """
        total, free = memory_of(self.cgroup)
        family = self._family()
        groups = {process.pid: _group(process.pid) for process in family}
        figures = {process.pid: _figures(process) for process in family}
        own = [figures[process.pid] for process in family]
        gpus = self.gpus.read()
        by_process = self.gpus.memory_by_process() if gpus else {}
        return {
            "cpu": psutil.cpu_percent(None),
            "memory_used": total - free,
            "memory_free": free,
            "own_memory": sum(held for _, held in own),
            "own_cpu": round(sum(load for load, _ in own), 1),
            "gpus": [{name: asdict(gpu)[name] for name in ("index", "utilisation", "memory_used", "memory")} for gpu in gpus],
            "jobs": {str(pid): _job(pid, groups, figures, by_process) for pid in jobs},
        }

    def _family(self) -> list[psutil.Process]:
        """This process and all below it; the same objects as before, for each remembers its load."""
        me = psutil.Process()
        found = {process.pid: process for process in [me, *me.children(recursive=True)]}
        # A number may have been given to another process meanwhile: psutil compares the times of their start.
        self._seen = {pid: self._seen[pid] if self._seen.get(pid) == process else process for pid, process in found.items()}
        return list(self._seen.values())


def memory_of(cgroup: Path) -> tuple[int, int]:
    """Bytes of memory that may be used, and how many of them are free: the machine's, or a container's where that is less.

    Args:
        cgroup: folder of the control group, version 2; one without files limits nothing.
    """
    machine = psutil.virtual_memory()
    try:
        limit = int((cgroup / "memory.max").read_text())
        used = int((cgroup / "memory.current").read_text())
        lines = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        # "max": no limit; or another system.
        return machine.total, machine.available
    if limit >= machine.total:
        return machine.total, machine.available
    # What files have left in memory is given back when it is needed.
    return limit, min(machine.available, max(0, limit - used + int(lines.get("inactive_file", 0))))


def _figures(process: psutil.Process) -> tuple[float, int]:
    """Load in percent of one core, and resident memory in bytes; nothing of a process that has ended."""
    try:
        return process.cpu_percent(None), process.memory_info().rss
    except psutil.Error:
        return 0.0, 0


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _job(pid: int, groups: dict[int, int], figures: dict[int, tuple[float, int]], gpu: dict[int, int]) -> dict[str, Any]:
    members = [member for member, group in groups.items() if group == pid]
    return {
        "cpu": round(sum(figures[member][0] for member in members), 1),
        "memory": sum(figures[member][1] for member in members),
        "gpu_memory": sum(gpu.get(member, 0) for member in members) if gpu else None,
    }


def _cpus() -> int:
    # Only Linux knows what this process may use.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
