"""The GPUs of this machine, asked of ``nvidia-smi``: torch never comes into a worker's parent process."""

import logging
import os
import shutil
import subprocess
from dataclasses import dataclass, field

_log = logging.getLogger(__name__)
_SECONDS = 5.0
_FIELDS = ("index", "uuid", "name", "memory.total", "memory.used", "utilization.gpu")
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Gpu:
    """One GPU as it is now; ``utilisation`` in percent, memory in bytes; None where it was not said."""

    index: int
    uuid: str
    name: str
    memory: int | None
    memory_used: int | None
    utilisation: float | None


@dataclass
class GpuReader:
    """Asks ``nvidia-smi``; a machine without it has no GPUs, and one that does not answer is said once."""

    _silent: bool = field(default=False)

    def read(self) -> list[Gpu]:
        """The GPUs that this process may use (CUDA_VISIBLE_DEVICES), none if they cannot be read."""
        answer = self._ask(f"--query-gpu={','.join(_FIELDS)}")
        return [gpu for gpu in map(_gpu, answer) if gpu is not None and _visible(gpu)]

    def memory_by_process(self) -> dict[int, int]:
        """Bytes of GPU memory that each process uses, by its id. Inside a container the driver may know other ids: then none."""
        found: dict[int, int] = {}
        for cells in self._ask("--query-compute-apps=pid,used_memory"):
            used = _number(cells[-1])
            if len(cells) == 2 and cells[0].isdecimal() and used is not None:
                found[int(cells[0])] = found.get(int(cells[0]), 0) + int(used) * _MIB
        return found

    def _ask(self, query: str) -> list[list[str]]:
        program = shutil.which("nvidia-smi")
        if program is None:
            return []
        try:
            command = [program, query, "--format=csv,noheader,nounits"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            if not self._silent:
                _log.warning("nvidia-smi does not answer, GPUs are not shown: %s", error)
            self._silent = True
            return []
        self._silent = False
        return [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines() if line.strip()]


def _gpu(cells: list[str]) -> Gpu | None:
    if len(cells) != len(_FIELDS) or not cells[0].isdecimal():
        return None
    index, uuid, name, memory, used, utilisation = cells
    total, taken = _number(memory), _number(used)
    return Gpu(
        int(index),
        uuid,
        name[:100],
        None if total is None else int(total) * _MIB,
        None if taken is None else int(taken) * _MIB,
        _number(utilisation),
    )


def _number(text: str) -> float | None:
    """``[N/A]`` and its like are None."""
    try:
        return float(text)
    except ValueError:
        return None


def _visible(gpu: Gpu) -> bool:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return True
    names = [name.strip() for name in chosen.split(",") if name.strip()]
    return any(name == str(gpu.index) or (name.startswith("GPU-") and gpu.uuid.startswith(name)) for name in names)
