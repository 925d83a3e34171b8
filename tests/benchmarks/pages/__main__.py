"""Seconds of pages and polled parts with 2,000 runs and 200 open pages, against design.md, section 10; part of ``make bench``."""

import argparse
import asyncio
import json
import os
import sys
from statistics import median
from typing import Any

from tests.benchmarks.pages.looking import Seen, look
from tests.benchmarks.pages.site import full_site

PAGE_SECONDS, PART_SECONDS = 0.2, 0.05
"""p95 that is aimed at."""


def quantile(values: list[float], share: float) -> float:
    """The value below which ``share`` of ``values`` (one or more) lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(seen: Seen) -> list[dict[str, Any]]:
    """A row each: ``ratio`` is the p95 over the target, 1 or less is as wished."""
    rows = []
    for name, values in seen.seconds.items():
        target = PART_SECONDS if name.startswith("part:") else PAGE_SECONDS
        p95 = quantile(values, 0.95)
        rows.append(
            {
                "what": name,
                "requests": len(values),
                "p50": round(median(values), 4),
                "p95": round(p95, 4),
                "target": target,
                "ratio": round(p95 / target, 2),
            }
        )
    return sorted(rows, key=lambda row: (row["what"].startswith("part:"), row["what"]))


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"\n{title}\n{'':<32} requests    p50 ms    p95 ms  target ms  p95 / target")
    for row in rows:
        cells = f"{row['p50'] * 1000:>10.0f}{row['p95'] * 1000:>10.0f}{row['target'] * 1000:>11.0f}{row['ratio']:>14.2f}"
        print(f"{row['what']:<32}{row['requests']:>9}{cells}")


def main() -> int:
    """Measure; the last line of standard output is all of it as JSON. 0: measured; 1: something was answered wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pages", description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--points", type=int, default=200, help="epochs of each run, with a loss and an NDCG@10")
    parser.add_argument("--people", type=int, default=200, help="open pages that refresh themselves")
    parser.add_argument("--seconds", type=float, default=60, help="how long they stay")
    options = parser.parse_args()
    print(f"{options.runs:,} runs of {options.points} points: filling the database.", flush=True)
    with full_site(options.runs, options.points) as site:
        before = os.getloadavg()[0]
        alone = asyncio.run(look(site, 0, options.seconds / 3))
        crowded = asyncio.run(look(site, options.people, options.seconds))
        after = os.getloadavg()[0]
    result = {
        "alone": table(alone),
        "crowded": table(crowded),
        "answers": dict(crowded.statuses),
        "missing": sorted(alone.missing | crowded.missing),
        "problems": [*alone.problems, *crowded.problems][:20],
        "busy_cores": round(crowded.busy_cores, 2),
        "cores": os.cpu_count(),
        "load_before": before,
        "load_after": after,
    }
    show("Pages, nobody else looks", result["alone"])
    show(f"Pages and polled parts, {options.people} pages open", result["crowded"])
    asked = sum(len(values) for name, values in crowded.seconds.items() if name.startswith("part:"))
    print(
        f"\n{asked / crowded.measured:.0f} polls a second keep {crowded.busy_cores:.2f} of {os.cpu_count()} cores busy "
        f"(web server and database); load {before:.1f} before, {after:.1f} after"
    )
    if result["missing"]:
        print(f"not there yet: {', '.join(result['missing'])}")
    for problem in result["problems"]:
        print(f"problem: {problem}")
    print(json.dumps(result))
    return 1 if result["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
