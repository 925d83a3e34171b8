"""Memory of the web server's processes while it works, and whether it grows."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import psutil

MIB = 2**20


@dataclass
class Memory:
    """MiB of the web server and its processes together, seconds after the beginning beside them."""

    seconds: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)

    def growth(self) -> float:
        """MiB a minute by least squares over the second half: what is filled once (caches, pools) is filled in the first."""
        half = len(self.mib) // 2
        times, values = self.seconds[half:], self.mib[half:]
        if len(values) < 2:
            return 0.0
        middle, mean = sum(times) / len(times), sum(values) / len(values)
        spread = sum((time - middle) ** 2 for time in times)
        return 60 * sum((time - middle) * (value - mean) for time, value in zip(times, values, strict=True)) / spread

    def summary(self) -> dict[str, float]:
        """Begin, half way, end, the most, and the growth a minute in the second half."""
        half = len(self.mib) // 2
        values = {"begin": self.mib[0], "half": self.mib[half], "end": self.mib[-1], "most": max(self.mib)}
        return {name: round(value, 1) for name, value in (values | {"growth_a_minute": self.growth()}).items()}


async def watch_memory(server: int, end: float, every: float) -> Memory:
    """Look every ``every`` seconds until the monotonic time ``end``; ``server`` is the process id of the web server."""
    found, begin = Memory(), time.monotonic()
    while True:
        total = 0
        process = psutil.Process(server)
        for member in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                # What is shared between the processes counts once.
                total += member.memory_full_info().pss
        found.seconds.append(time.monotonic() - begin)
        found.mib.append(total / MIB)
        if time.monotonic() >= end:
            return found
        await asyncio.sleep(every)
