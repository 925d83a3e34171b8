"""The benchmark of pages measures what it says: a small one, and how it reads what a page asks for by itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.pages.__main__ import quantile
from tests.benchmarks.pages.client import Poll, find_next, find_poll

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.services
def test_a_small_one_measures_every_page_and_part() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.pages",
        "--runs",
        "130",
        "--points",
        "2",
        "--people",
        "20",
        "--seconds",
        "12",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["problems"] == []
    for name in ("alone", "crowded"):
        assert {"runs", "run", "home", "group", "search", "runs, last page"} <= {row["what"] for row in result[name]}
    parts = {row["what"] for row in result["crowded"] if row["what"].startswith("part: ")}
    assert parts == {"part: run", "part: list", "part: home", "part: search"}
    assert result["busy_cores"] > 0
    assert all(row["p50"] <= row["p95"] for row in result["crowded"])


def test_a_poll_is_found_and_followed() -> None:
    body = '<div id="live" hx-get="/searches/1" hx-include="#seen" hx-trigger="every 3s">'
    seen = '<input type="hidden" id="seen" name="seen" value="ab">'
    assert find_poll(body, "/searches/1") == Poll("/searches/1", 3.0)
    assert find_poll(body + seen, "/searches/1") == Poll("/searches/1?seen=ab", 3.0)
    assert find_next(Poll("/searches/1?seen=ab", 3.0), seen.replace("ab", "cd"), "") == Poll("/searches/1?seen=cd", 3.0)
    assert find_next(Poll("/runs/1", 2.0), "", "/runs/1") == Poll("/runs/1", 2.0)
    rows = (
        '<div id="runs-poller" hx-get="/runs?rows=1,2&amp;seen=x" hx-trigger="every 3s" hx-swap="none" hx-swap-oob="outerHTML">'
    )
    assert find_next(Poll("/runs?rows=1", 3.0), rows, "/runs") == Poll("/runs?rows=1,2&seen=x", 3.0)
    assert find_poll("<p>ended</p>", "/runs/1") is None


def test_quantiles() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.95) == 3.0
    assert quantile([1.0], 0.5) == 1.0
