"""The benchmark of a run's status measures what it says: a small one, and how its client reads answers."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.benchmarks.status.connection import Connection

ROOT = Path(__file__).resolve().parents[2]
Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.services
@pytest.mark.timeout(300)
def test_a_small_one_measures_both_servers_and_who_waits() -> None:
    sizes = ["--runs", "40", "--clients", "6", "--connections", "3", "--seconds", "3"]
    command = [sys.executable, "-m", "tests.benchmarks.status", *sizes]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["problems"] == []
    bare, status, bare_polls, polls, told, idle = result["rows"]
    for row in (bare, status, bare_polls, polls, told):
        assert row["answers"] > 0, row
        assert 0 < row["p50"] <= row["p95"], row
    assert idle["answers"] == 0, "where nothing changes nobody is told of a change"
    assert result["ratios"]["requests_a_second"] > 0
    # Told by the change, not because the 30 s of waiting are over; how soon is for the benchmark on a quiet machine to say.
    assert told["p50"] < 15


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsoap", (200, b"soap")),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", (404, b"")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nso\r\n2\r\nap\r\n0\r\n\r\n", (200, b"soap")),
    ],
)
def test_answers_are_read_whole_and_the_connection_is_kept(answer: bytes, expected: tuple[int, bytes]) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            if b"close" in answer:
                break
        writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        connection = Connection(f"http://127.0.0.1:{port}", "darec_a_b")
        for _ in range(2):
            assert await connection.get("/status") == expected
        connection.close()
        server.close()
        await server.wait_closed()

    asyncio.run(ask())
    assert len(heads) == 2
    assert heads[0].startswith(b"GET /status HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer darec_a_b\r\n" in heads[0]
