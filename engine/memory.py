"""The most memory that this process held at once. No torch here: who measures little must not load much."""

import resource
import sys
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_process_peak() -> None:
    """Count the peak anew from here, so that a process which did other work before does not report that work's."""
    try:
        _RESET.write_text("5", encoding="ascii")
    except OSError:
        return  # this kernel does not let us: the peak is then that of the process's whole life, an upper bound


def process_peak() -> int:
    """The most bytes of memory that this process held at any time since ``forget_process_peak``, or ever."""
    if _STATUS.is_file():
        line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    # Where the kernel has no such file: this figure may be the parent's, if that was larger when it started this process.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
