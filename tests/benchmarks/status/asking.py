"""Clients that ask as fast as they can, every two seconds, or wait; and workers whose runs change meanwhile."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

import psycopg

from tests.benchmarks.status.connection import Connection

EVERY = 2.0
"""Seconds between two polls of a client, and between two reports of a run."""
_WAIT = 30
_FAULTS = (OSError, TimeoutError, asyncio.IncompleteReadError)


@dataclass
class Seen:
    """What clients saw.

    Attributes:
        latencies: seconds of each request; of who waits: from the change in the database to its answer.
        seconds: that it took in all.
    """

    latencies: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def take(self, latency: float, status: int) -> None:
        """Count an answer."""
        self.latencies.append(latency)
        if status != 200:
            self.problems.append(f"status {status}")


@contextmanager
def _connections(address: str, tokens: list[str]) -> Iterator[list[Connection]]:
    found = [Connection(address, token) for token in tokens]
    try:
        yield found
    finally:
        for connection in found:
            connection.close()


async def saturate(address: str, tokens: list[str], paths: list[str], seconds: float) -> Seen:
    """A client for each token that asks again as soon as it has its answer."""

    async def client(connection: Connection, path: str, end: float) -> None:
        await connection.get(path)
        try:
            while (begin := time.perf_counter()) < end:
                status, _ = await connection.get(path)
                seen.take(time.perf_counter() - begin, status)
        except _FAULTS as error:
            seen.problems.append(repr(error))

    seen, start = Seen(), time.perf_counter()
    with _connections(address, tokens) as connections:
        await asyncio.gather(*(client(*one, start + seconds) for one in zip(connections, cycle(paths), strict=False)))
    seen.seconds = time.perf_counter() - start
    return seen


async def poll(address: str, tokens: list[str], paths: list[str], seconds: float) -> Seen:
    """A client for each token that asks every ``EVERY`` seconds, each at a moment of its own."""
    chance = random.Random(0)

    async def client(connection: Connection, path: str, at: float, end: float) -> None:
        try:
            while at < end:
                await asyncio.sleep(max(0.0, at - time.perf_counter()))
                begin = time.perf_counter()
                status, _ = await connection.get(path)
                seen.take(time.perf_counter() - begin, status)
                at = max(at + EVERY, time.perf_counter())
        except _FAULTS as error:
            seen.problems.append(repr(error))

    seen, start = Seen(), time.perf_counter()
    with _connections(address, tokens) as connections:
        starts = (start + chance.uniform(0, EVERY) for _ in tokens)
        clients = zip(connections, cycle(paths), starts, strict=False)
        await asyncio.gather(*(client(*one, start + seconds) for one in clients))
    seen.seconds = time.perf_counter() - start
    return seen


class Reports:
    """What workers write: every ``EVERY`` seconds the progress of each run, and when that was."""

    def __init__(self, database: str, runs: list[int]) -> None:
        self._database, self._runs = database, runs
        self.at: dict[tuple[int, int], float] = {}

    async def write(self, end: float) -> None:
        """Until ``end`` (time.perf_counter)."""
        done = 0
        async with await psycopg.AsyncConnection.connect(self._database, autocommit=True) as connection:
            while time.perf_counter() < end:
                done += 1
                for pk in self._runs:
                    progress = {"fraction": 0.5, "phase": "training", "done": done, "total": 1000}
                    await connection.execute(
                        "UPDATE experiments_run SET progress = %s, heartbeat_at = now() WHERE id = %s", [json.dumps(progress), pk]
                    )
                    self.at[pk, done] = time.perf_counter()
                    await asyncio.sleep(EVERY / len(self._runs))


async def wait(address: str, tokens: list[str], runs: list[int], reports: Reports | None, seconds: float) -> Seen:
    """A client for each token that waits for a run (``?wait=30``) again and again, while workers report (or nothing changes)."""

    async def client(connection: Connection, pk: int, end: float) -> None:
        path, stamp, done = f"/api/v1/runs/{pk}", "", 0
        try:
            while (left := end - time.perf_counter()) > 0:
                # The last answer comes when the time is over, changed or not.
                query = f"?wait={min(_WAIT, max(left, 0.1)):.1f}&seen={stamp}" if stamp else ""
                status, body = await connection.get(path + query)
                now, answer = time.perf_counter(), json.loads(body)
                stamp, before, done = answer["stamp"], done, answer["progress"]["done"]
                if status != 200:
                    seen.problems.append(f"status {status}")
                elif query and done != before and reports is not None:
                    seen.latencies.append(now - reports.at.get((pk, done), now))
        except _FAULTS as error:
            seen.problems.append(repr(error))

    seen, start = Seen(), time.perf_counter()
    with _connections(address, tokens) as connections:
        waiting = [client(*one, start + seconds) for one in zip(connections, cycle(runs), strict=False)]
        await asyncio.gather(*waiting, *([reports.write(start + seconds)] if reports else []))
    seen.seconds = time.perf_counter() - start
    return seen
