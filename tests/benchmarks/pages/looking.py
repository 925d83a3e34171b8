"""Two hundred people who look, workers that report, and somebody who opens one page after the other with a stopwatch."""

import asyncio
import json
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import psycopg

from tests.benchmarks.pages.client import STOPPED, Browser, find_next, find_poll
from tests.benchmarks.pages.site import FullSite

_REPORT_SECONDS = 2.0
_POINT_EVERY = 5
"""Reports of a run to one more epoch."""
_PAUSE = 0.1
_OPENED = 10.0
"""Seconds in which the pages are opened; what is asked before all are there and have settled is not counted."""


@dataclass
class Seen:
    """Seconds of each request by what was asked for, and what went wrong.

    Attributes:
        busy_cores: processor seconds a second of the web server and the database, in the ``measured`` seconds.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    problems: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    statuses: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    busy_cores: float = 0.0
    measured: float = 0.0


def pages(planted: dict[str, Any], last: str) -> dict[str, str]:
    """What is opened, by name; ``last`` is the address of the last page of the list."""
    compared = ",".join(map(str, planted["compared"]))
    condition = quote("training.seed = 3")
    return {
        "runs": "/runs",
        "runs, last page": last,
        "runs, by NDCG@10": "/runs?sort=-test.ndcg@10",
        "runs, by NDCG@10, last page": "/runs?sort=-test.ndcg@10&before=end",
        "runs, one seed and a metric": f"/runs?where={condition}&where={quote('test.ndcg@10 > .05')}",
        "runs, words and a tag": f"/runs?q=came&where={quote('tag = paper')}",
        "runs, settings as columns": "/runs?columns=state,training.seed,method.dropout,test.mrr@20&sort=training.seed",
        "run": f"/runs/{planted['ended']}",
        "run, running": f"/runs/{planted['active'][0]}",
        "compare 100": f"/compare?runs={compared}",
        "home": "/",
        "group": f"/groups/{planted['group']}",
        "search": f"/searches/{planted['search']}",
    }


def watched(planted: dict[str, Any], people: int) -> list[tuple[str, str]]:
    """Which pages are open: name of the polled part and address. Most people watch runs, some the lists."""
    active = planted["active"]
    kinds = [("run", f"/runs/{active[number % len(active)]}") for number in range(people)]
    for number in range(people):
        if number % 10 < 3:
            kinds[number] = ("list", "/runs")
        elif number % 10 == 3:
            kinds[number] = ("home", "/")
        elif number % 20 == 4:
            kinds[number] = ("search", f"/searches/{planted['search']}")
    return kinds


async def look(site: FullSite, people: int, seconds: float) -> Seen:
    """Open everything, let ``people`` poll for ``seconds``, and measure all that is asked."""
    seen = Seen()
    opened = min(_OPENED, seconds / 4) if people else 0.0
    start, end = time.monotonic() + 1.5 * opened, time.monotonic() + seconds
    chance = random.Random(1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_report(site, end))
        for kind, path in watched(site.planted, people):
            tasks.create_task(_poll(site, kind, path, chance.uniform(0, opened), (start, end), seen))
        tasks.create_task(_open(site, (start, end), seen))
        await asyncio.sleep(max(0.0, start - time.monotonic()))
        busy, begin = site.busy_seconds(), time.monotonic()
        await asyncio.sleep(max(0.0, end - time.monotonic()))
        seen.busy_cores = (site.busy_seconds() - busy) / (time.monotonic() - begin)
    seen.measured = end - start
    return seen


async def _poll(site: FullSite, kind: str, path: str, delay: float, counted: tuple[float, float], seen: Seen) -> None:
    start, end = counted
    browser = Browser(site.address, site.planted["cookie"])
    await asyncio.sleep(delay)
    try:
        poll = find_poll((await browser.get(path)).body, path)
        if poll is None:
            seen.problems.append(f"{path} does not refresh itself")
            return
        next_at, stamp = time.monotonic() + poll.seconds, ""
        while next_at < end:
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
            next_at = max(next_at + poll.seconds, time.monotonic())
            answer = await browser.get(poll.path, part=True, seen=stamp)
            stamp = answer.stamp or stamp
            if time.monotonic() > start:
                seen.seconds[f"part: {kind}"].append(answer.seconds)
                seen.statuses[answer.status] += 1
            if answer.status not in (200, 204):
                if answer.status != STOPPED:
                    seen.problems.append(f"{poll.path}: {answer.status}")
                return
            poll = find_next(poll, answer.body, path)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        seen.problems.append(f"{kind}: {error!r}")
    finally:
        browser.close()


async def _open(site: FullSite, counted: tuple[float, float], seen: Seen) -> None:
    browser, (start, end) = Browser(site.address, site.planted["cookie"]), counted
    await asyncio.sleep(max(0.0, start - time.monotonic()))
    wanted = pages(site.planted, "/runs?before=end")
    try:
        while time.monotonic() < end and wanted:
            for name, path in list(wanted.items()):
                answer = await browser.get(path)
                if answer.status == 404:
                    seen.missing.add(name)
                    del wanted[name]
                elif answer.status != 200:
                    seen.problems.append(f"{path}: {answer.status}")
                else:
                    seen.seconds[name].append(answer.seconds)
                await asyncio.sleep(_PAUSE)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        seen.problems.append(f"pages: {error!r}")
    finally:
        browser.close()


async def _report(site: FullSite, end: float) -> None:
    """What workers write meanwhile: every run's progress, and now and then one more epoch."""
    async with await psycopg.AsyncConnection.connect(site.database, autocommit=True) as connection:
        step = 0
        while time.monotonic() < end:
            step += 1
            for place, pk in enumerate(site.planted["active"]):
                progress = {"fraction": min(0.99, 0.4 + step / 1000), "phase": "training", "done": 40 + step, "total": 1000}
                await connection.execute(
                    "UPDATE experiments_run SET progress = %s, heartbeat_at = now() WHERE id = %s", [json.dumps(progress), pk]
                )
                if (step + place) % _POINT_EVERY == 0:
                    epoch = 1000 + step
                    payload = {"type": "metric", "split": "valid", "step": epoch, "epoch": epoch, "values": {"ndcg@10": 0.05}}
                    await connection.execute(
                        "INSERT INTO experiments_runevent (run_id, attempt, sequence, type, payload, created_at) "
                        "SELECT %s, 1, max(sequence) + 1, 'metric', %s, now() FROM experiments_runevent WHERE run_id = %s",
                        [pk, json.dumps(payload), pk],
                    )
                await asyncio.sleep(_REPORT_SECONDS / len(site.planted["active"]))
