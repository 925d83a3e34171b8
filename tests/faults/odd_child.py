"""A child in a bad place, with the real engine or the stand-in's: ``workers.crew.CHILD`` of tests of faults.

FAULT_CLOCK: seconds by which its clock leaps ahead, and back again, every half second
FAULT_MEMORY_MB: so much more memory than it has when the training begins, and no more
"""

import datetime
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

from workers import child


def leap(seconds: float) -> None:
    """Let this process's clock of the wall leap to and fro; what it is now follows ``time.time``, and so does Django."""
    real, begin = time.time, time.monotonic()

    def leaping() -> float:
        return real() + (seconds if int(2 * (time.monotonic() - begin)) % 2 else 0.0)

    time.time = leaping

    class Leaping(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Leaping":
            return cls.fromtimestamp(leaping(), tz)

    datetime.datetime = Leaping  # type: ignore[misc]


def bind_memory(megabytes: int) -> None:
    """Have the run of this child bound to so much more memory than it has now."""
    train = child._Desk._run

    def bound(self: Any, order: Any) -> bool:
        # Loading code is not what is to fail.
        import engine.run  # noqa: F401

        held = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
        assert held is not None
        limit = int(held[1]) * 1024 + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        return train(self, order)

    child._Desk._run = bound  # type: ignore[method-assign]


if __name__ == "__main__":
    if seconds := os.environ.get("FAULT_CLOCK"):
        leap(float(seconds))
        from tests.workers.stand_in import main

        sys.exit(main())
    if megabytes := os.environ.get("FAULT_MEMORY_MB"):
        bind_memory(int(megabytes))
    sys.exit(child.main())
