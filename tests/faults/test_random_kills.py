"""Kills at random moments of real work: nothing is lost, nothing comes twice, every bit is as it would have been.

``tests/faults/bench`` says what runs and what is killed. A run whose child is killed three times is lost for good, which is
right; so the bench kills a run's child with SIGKILL once at most, and takes SIGTERM afterwards.
"""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.home import ROOT
from tests.faults.bench.plan import MOMENTS, OF_A_WORKER, SERVERS, SERVICES, draw
from tests.faults.record import ROUNDS, Faults, chance

KILLS = 6 * ROUNDS
pytestmark = pytest.mark.services


@pytest.mark.timeout(3600)
def test_nothing_is_lost_and_nothing_comes_twice_by_random_kills(tmp_path: Path, faults: Faults) -> None:
    out = tmp_path / "report.json"
    command = [sys.executable, "-m", "tests.faults.bench", "--kills", str(KILLS), "--out", str(out)]
    done = subprocess.run(
        [*command, *(["--searches"] if ROUNDS > 1 else [])], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert out.exists(), done.stdout
    report = json.loads(out.read_text())
    with contextlib.ExitStack() as cases:
        for kill in report["kills"]:
            case = cases.enter_context(faults.inject(kill["fault"]))
            case.right()
            case.seconds, case.lost = kill["seconds"], f"at most {report['steps_lost']} steps"
        wrong = {name: report[name] for name in ("lost", "twice", "different", "false", "redone")}
        assert not any(wrong.values()), f"{wrong}\n{done.stdout}"
        assert len(report["kills"]) == KILLS
        assert report["restarts"] > 0
    print(done.stdout)


def test_the_same_seed_draws_the_same_kills_and_leaves_none_out() -> None:
    kills = draw(50, chance("kills"), searches=True)
    assert kills == draw(50, chance("kills"), searches=True)
    assert kills != draw(50, chance("others"), searches=True)
    assert {kill.target for kill in kills} == {*OF_A_WORKER, *SERVICES, *SERVERS}
    assert {kill.moment for kill in kills} == set(MOMENTS)
    assert {kill.moment for kill in draw(9, chance("kills"), searches=False)} == set(MOMENTS) - {"search"}
