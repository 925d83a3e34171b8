"""Requests a second and p95 of a run's status, and how soon 200 clients that wait are told; part of ``make bench``.

The yardstick is a bare Django view that answers JSON of the same size, served by the same command in the same run.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from deploy.local.home import ROOT
from deploy.local.ports import free_port
from deploy.local.services import answers, web_command
from tests.benchmarks.pages.__main__ import quantile
from tests.benchmarks.pages.site import FullSite, full_site, processor_seconds
from tests.benchmarks.status.asking import EVERY, Reports, Seen, poll, saturate, wait
from tests.benchmarks.status.bare import BODY
from tests.benchmarks.status.connection import Connection

_START_SECONDS = 60.0
_UNLIMITED = "100000000"
"""Requests a minute of a token: they are counted as ever, and none is refused."""


@contextmanager
def bare_server(site: FullSite, body: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Address and process id of the bare Django, as many processes and the same options as the site's."""
    port = free_port()
    command = web_command("127.0.0.1", str(port), os.environ.get("WEB_WORKERS", "2"))
    command[command.index("webapp.asgi:application")] = "tests.benchmarks.status.bare:application"
    environment = {**site.environment, BODY: json.dumps(body)}
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not answers(f"http://127.0.0.1:{port}/status"):
            if time.monotonic() > deadline or process.poll() is not None:
                raise TimeoutError("the bare server does not answer")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(30)


def row(what: str, seen: Seen, busy: float) -> dict[str, Any]:
    """One line of the table: seconds, requests a second, and processor seconds a second of the servers."""
    known = seen.latencies or [0.0]
    return {
        "what": what,
        "answers": len(seen.latencies),
        "per_second": round(len(seen.latencies) / seen.seconds, 1),
        "p50": round(median(known), 4),
        "p95": round(quantile(known, 0.95), 4),
        "busy_cores": round(busy / seen.seconds, 2),
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"\n{'':<52}   answers  a second    p50 ms    p95 ms  busy cores")
    for one in rows:
        cells = f"{one['p50'] * 1000:>10.1f}{one['p95'] * 1000:>10.1f}{one['busy_cores']:>12.2f}"
        print(f"{one['what']:<52}{one['answers']:>10}{one['per_second']:>10.1f}{cells}")


def main() -> int:
    """Measure; the last line of standard output is all of it as JSON. 0: measured; 1: something was answered wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.status", description=__doc__)
    parser.add_argument("--clients", type=int, default=200, help="that poll, or wait")
    parser.add_argument("--connections", type=int, default=32, help="that ask as fast as they can")
    parser.add_argument("--runs", type=int, default=500, help="in the database")
    parser.add_argument("--seconds", type=float, default=12, help="of each measurement, of which there are six")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    with full_site(options.runs, 20, {"API_RATE_PER_MINUTE": _UNLIMITED}) as site:
        rows, problems = asyncio.run(_measure(site, options))
    if len(rows) < 6:
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    bare, status, bare_polls, polls, told, idle = rows
    ratios = {
        "requests_a_second": round(status["per_second"] / bare["per_second"], 3),
        "p95_of_polls": round(polls["p95"] / max(bare_polls["p95"], 1e-4), 2),
    }
    show(rows)
    print(
        f"\nA run's status is answered at {ratios['requests_a_second']:.2f} times the rate of the bare view; "
        f"p95 of polls is {ratios['p95_of_polls']:.1f} times the bare view's.\n"
        f"Who waits is told {told['p50'] * 1000:.0f} ms after a change (median; p95 {told['p95'] * 1000:.0f} ms); "
        f"{options.clients} who wait while nothing changes keep {idle['busy_cores']:.2f} cores busy.\n"
        f"{os.cpu_count()} cores, on which the clients run too; load {before:.1f} before, {os.getloadavg()[0]:.1f} after"
    )
    for problem in sorted(set(problems))[:20]:
        print(f"problem: {problem}")
    result = {
        "rows": rows,
        "ratios": ratios,
        "clients": options.clients,
        "problems": problems[:20],
        "cores": os.cpu_count(),
        "load_before": before,
        "load_after": os.getloadavg()[0],
    }
    print(json.dumps(result))
    return 1 if problems else 0


async def _measure(site: FullSite, options: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows in their order, and what went wrong."""
    runs: list[int] = site.planted["active"]
    tokens, paths = _tokens(site, options.clients), [f"/api/v1/runs/{pk}" for pk in runs]
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    status, body = await Connection(site.address, tokens[0]).get(paths[0])
    if status != 200:
        return [], [f"{paths[0]}: {status} {body[:200]!r}"]

    async def measure(what: str, made: Awaitable[Seen], busy: Callable[[], float]) -> None:
        start = busy()
        seen = await made
        rows.append(row(what, seen, busy() - start))
        problems.extend(f"{what}: {problem}" for problem in seen.problems)

    few, seconds = tokens[: options.connections], options.seconds
    with bare_server(site, json.loads(body)) as (address, pid):
        own: Callable[[], float] = lambda: processor_seconds((pid,))  # noqa: E731
        await measure(f"bare view, {len(few)} ask without pause", saturate(address, few, ["/status"], seconds), own)
        await measure(f"status, {len(few)} ask without pause", saturate(site.address, few, paths, seconds), site.busy_seconds)
        name = f"{len(tokens)} ask every {EVERY:.0f} s"
        await measure(f"bare view, {name}", poll(address, tokens, ["/status"], seconds), own)
        await measure(f"status, {name}", poll(site.address, tokens, paths, seconds), site.busy_seconds)
    reports = Reports(site.database, runs)
    name = f"status?wait=30, {len(tokens)} wait, "
    told = wait(site.address, tokens, runs, reports, seconds)
    await measure(f"{name}changes every {EVERY:.0f} s", told, site.busy_seconds)
    await measure(f"{name}nothing changes", wait(site.address, tokens, runs, None, seconds), site.busy_seconds)
    return rows, problems


def _tokens(site: FullSite, number: int) -> list[str]:
    command = [sys.executable, "-m", "tests.benchmarks.status.tokens", str(number)]
    done = subprocess.run(command, env=site.environment, cwd=ROOT, check=True, timeout=120, stdout=subprocess.PIPE, text=True)
    tokens: list[str] = json.loads(done.stdout.splitlines()[-1])
    return tokens


if __name__ == "__main__":
    sys.exit(main())
