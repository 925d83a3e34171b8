"""200 people watch, 50 launch and 10 upload 100 MB each, at once, for a while: errors, lost rows, p95 and the server's memory.

No worker runs: what is launched and uploaded stays queued, so that afterwards every row and every byte that was answered can be
looked for. The web server and the database share the cores with all these people.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from statistics import median
from typing import Any

from deploy.local.home import ROOT
from tests.benchmarks.load.lost import find_lost
from tests.benchmarks.load.memory import Memory, watch_memory
from tests.benchmarks.load.working import Promised, launch, upload
from tests.benchmarks.pages.__main__ import quantile
from tests.benchmarks.pages.looking import Seen, look
from tests.benchmarks.pages.site import FullSite, full_site


async def work(site: FullSite, options: argparse.Namespace, tokens: list[str], version: int) -> tuple[Seen, Promised, Memory]:
    """Everybody at once for ``options.seconds``."""
    seen, end = Promised(), time.monotonic() + options.seconds
    size, launching = int(options.megabytes * 1e6), tokens[: options.launching]
    memory = asyncio.create_task(watch_memory(site.servers[0], end, options.seconds / 60))
    looking = asyncio.create_task(look(site, options.watching, options.seconds))
    async with asyncio.TaskGroup() as tasks:
        for number, token in enumerate(launching):
            tasks.create_task(launch(site.address, token, version, number, end, options.pause, seen))
        for number, token in enumerate(tokens[options.launching :]):
            # Who uploads once only does so when everybody is there.
            last = end if options.again else 0.0
            tasks.create_task(upload(site.address, token, number, size, last, options.pause, seen))
    return await looking, seen, await memory


def rows_of(watched: Seen, promised: Promised) -> list[dict[str, Any]]:
    """A row for each kind of request."""
    rows = []
    for who, seconds in (("watching", watched.seconds), ("working", promised.seconds)):
        for name, values in sorted(seconds.items()):
            row = {"who": who, "what": name, "requests": len(values)}
            rows.append(row | {"p50": round(median(values), 3), "p95": round(quantile(values, 0.95), 3)})
    return rows


def main() -> int:
    """Measure; the last line of standard output is all of it as JSON. 0: all is well; 1: something is lost or an answer wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load", description=__doc__)
    parser.add_argument("--runs", type=int, default=2000, help="runs that are there before")
    parser.add_argument("--watching", type=int, default=200)
    parser.add_argument("--launching", type=int, default=50)
    parser.add_argument("--uploading", type=int, default=10)
    parser.add_argument("--megabytes", type=float, default=100, help="of each upload")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pause", type=float, default=10, help="seconds between two launches, or uploads, of one person")
    parser.add_argument("--again", action="store_true", help="upload again and again until the time is over, as a soak does")
    options = parser.parse_args()
    with full_site(options.runs, 20) as site:
        number = options.launching + options.uploading
        command = [sys.executable, "-m", "tests.benchmarks.load.tokens", str(number)]
        told = subprocess.run(command, env=site.environment, cwd=ROOT, check=True, timeout=120, stdout=subprocess.PIPE, text=True)
        found = json.loads(told.stdout.splitlines()[-1])
        before, begin = os.getloadavg()[0], time.monotonic()
        watched, promised, memory = asyncio.run(work(site, options, found["tokens"], found["version"]))
        seconds, after = time.monotonic() - begin, os.getloadavg()[0]
        lost = find_lost(site.database, site.storage, options.runs, promised)
    rows = rows_of(watched, promised)
    print(f"\n{'':<10}{'':<34} requests    p50 ms    p95 ms")
    for row in rows:
        print(f"{row['who']:<10}{row['what']:<34}{row['requests']:>9}{row['p50'] * 1000:>10.0f}{row['p95'] * 1000:>10.0f}")
    used = memory.summary()
    print(
        f"\n{options.watching} watch, {options.launching} launch, {options.uploading} upload {options.megabytes:g} MB: "
        f"{len(promised.runs)} runs, {len(promised.versions)} versions, {promised.sent_bytes / 1e6:,.0f} MB in {seconds:.0f} s; "
        f"{watched.busy_cores:.2f} of {os.cpu_count()} cores busy with it; load {before:.1f} before, {after:.1f} after"
    )
    print(
        f"memory of the web server: {used['begin']:.0f} MiB at first, {used['half']:.0f} half way, {used['end']:.0f} at the end, "
        f"{used['most']:.0f} at most; {used['growth_a_minute']:+.1f} MiB a minute in the second half"
    )
    problems = [*watched.problems, *promised.problems]
    print(f"errors: {len(problems)}; lost or twice: {len(lost)}")
    for problem in (*problems[:20], *lost[:20]):
        print(f"problem: {problem}")
    result = {"rows": rows, "memory": used, "errors": problems[:20], "lost": lost[:20], "seconds": round(seconds, 1)}
    result |= {"runs": len(promised.runs), "versions": len(promised.versions), "bytes": promised.sent_bytes}
    print(json.dumps(result | {"busy_cores": round(watched.busy_cores, 2), "load_before": before, "load_after": after}))
    return 1 if problems or lost else 0


if __name__ == "__main__":
    sys.exit(main())
