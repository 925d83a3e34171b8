"""A short soak: nothing is lost while people watch, launch and upload at once; and the benchmark sees it where something is."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.load.lost import find_lost
from tests.benchmarks.load.memory import Memory
from tests.benchmarks.load.working import PART, Promised, content_of
from tests.workers.fixtures import *  # noqa: F403
from tests.workers.fixtures import Run

ROOT = Path(__file__).resolve().parents[2]
_OPTIONS = "--runs 130 --watching 20 --launching 5 --uploading 2 --megabytes 20 --seconds 30 --pause 1 --again"


@pytest.mark.services
def test_a_short_soak_loses_nothing() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.load", *_OPTIONS.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["errors"] == result["lost"] == []
    assert result["runs"] >= 5
    assert result["versions"] >= 2
    assert {"launch", "launch again", "part of 8 MiB", "version", "part: run"} <= {row["what"] for row in result["rows"]}
    # In half a minute caches and pools still fill; what leaks with each request or byte would show by far.
    assert result["memory"]["end"] < 1.3 * result["memory"]["half"]


def test_what_is_lost_is_found(run: Run, database: None, tmp_path: Path) -> None:
    url = os.environ["DATABASE_URL"]
    assert find_lost(url, tmp_path, 0, Promised(runs=[run.pk])) == []
    assert find_lost(url, tmp_path, 0, Promised(runs=[run.pk + 1])) == [f"run {run.pk + 1} was answered, but is not there"]
    assert len(find_lost(url, tmp_path, 0, Promised())) == 1
    assert len(find_lost(url, tmp_path, 1, Promised(versions={run.version_id: "ab"}))) == 1


def test_growth_is_told_from_filling() -> None:
    begin = time.monotonic()
    times = [begin + 60 * minute for minute in range(10)]
    filled = Memory(times, [100, 200, 300, 300, 300, 300, 300, 300, 300, 300])
    assert filled.growth() == 0
    assert Memory(times, [100.0 + 7 * minute for minute in range(10)]).growth() == pytest.approx(7)


def test_parts_of_a_file_differ_and_are_whole() -> None:
    assert content_of("a", 0, 1000)[:7] == b"user_id"
    assert len({content_of(name, part, PART) for name in "ab" for part in range(2)}) == 4
    assert len(content_of("a", 1, 12345)) == 12345
