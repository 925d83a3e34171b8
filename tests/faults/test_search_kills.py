"""kill -9 at random moments while a search runs: all trials end, none is there twice, and the winner is the best of the rows.

``SEARCH_KILL_SEEDS=0,1,2`` kills at other moments, one case for each seed.
"""

import contextlib
import os
import random
import subprocess
import time
from collections.abc import Callable

import psutil
import pytest

from engine.spec import parse_spec
from tests.workers.fixtures import RunState, Version
from tests.workers.searches.objective import objective
from tests.workers.searches.searching import best_of_rows, make_search
from webapp.experiments.models import ENDED_STATES, Run
from webapp.searches.models import Search, SearchState, Stage, TrialState

APP = "tests.workers.searches.objective_app"
TRIALS = 12
KILLS = 6
SEEDS = [int(seed) for seed in os.environ.get("SEARCH_KILL_SEEDS", "0").split(",")]
StartProcess = Callable[..., "subprocess.Popen[bytes]"]
pytestmark = pytest.mark.services

WORKER = ("celery", "-A", APP, "worker", "--without-mingle", "--without-gossip", "-Q")
SERVICES = {
    "gpu-1": (*WORKER, "gpu"),
    "gpu-2": (*WORKER, "gpu"),
    "io": (*WORKER, "io"),
    "beat": ("celery", "-A", APP, "beat", "--pidfile="),
    "reaper": ("workers.reaper",),
}
VICTIMS = ("gpu-1", "gpu-2", "io", "beat", "child of gpu-1", "child of gpu-2", "child of io")


class Services:
    """The processes of a small installation; one that is gone is started again, as a supervisor would."""

    def __init__(self, start_process: StartProcess) -> None:
        self._start = start_process
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.keep()

    def keep(self) -> None:
        """Start what does not run."""
        for name, command in SERVICES.items():
            if name not in self._processes or self._processes[name].poll() is not None:
                self._processes[name] = self._start(*command)

    def kill(self, victim: str) -> bool:
        """kill -9; False if there is no such process now."""
        service = self._processes[victim.removeprefix("child of ")]
        target = psutil.Process(service.pid)
        if victim.startswith("child of "):
            # Only a child that does the work leads a session of its own.
            leaders = []
            for process in target.children(recursive=True):
                with contextlib.suppress(ProcessLookupError):
                    leaders += [process] if os.getsid(process.pid) == process.pid else []
            if not leaders:
                return False
            target = leaders[0]
        target.kill()
        if target.pid == service.pid:
            service.wait()
        return True


@pytest.mark.fault("random kills during a search", KILLS)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_search_survives_kills_at_random_moments(
    seed: int, version: Version, start_process: StartProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAL_SECONDS", "1")
    monkeypatch.setenv("WORKER_STAND_STILL_SECONDS", "1")
    monkeypatch.setenv("WORKER_SUGGEST_SECONDS", "10")
    monkeypatch.setenv("WORKER_WARM_SECONDS", "60")
    generator = random.Random(seed)
    services = Services(start_process)
    search = make_search(version, at_once=3, trials=TRIALS, final_seeds=1)
    # After which numbers of ended trials, and how long after, something is killed: spread over the whole search.
    moments = sorted(generator.sample(range(TRIALS), KILLS))
    killed: list[str] = []
    deadline = time.monotonic() + 1700
    while True:
        search.refresh_from_db()
        if search.state not in (SearchState.RUNNING, SearchState.FINISHING):
            break
        assert time.monotonic() < deadline, describe(search, killed)
        ended = search.trials.filter(stage=Stage.TRIAL).exclude(state=TrialState.RUNNING).count()
        if moments and ended >= moments[0] and search.trials.exists():
            time.sleep(generator.uniform(0, 1.5))
            victim = generator.choice(VICTIMS)
            if services.kill(victim):
                killed.append(f"{victim} after {ended}")
                del moments[0]
        services.keep()
        time.sleep(0.05)
    print("killed:", "; ".join(killed))
    assert len(killed) == KILLS
    check(search, killed)


def check(search: Search, killed: list[str]) -> None:
    told = describe(search, killed)
    assert search.state == SearchState.FINISHED, told
    trials = list(search.trials.filter(stage=Stage.TRIAL).select_related("run").order_by("number"))
    assert [trial.number for trial in trials] == list(range(TRIALS)), told
    assert len({str(trial.read_candidate()) for trial in trials}) == TRIALS, told
    assert len({trial.run_id for trial in trials}) == TRIALS, told
    assert all(trial.run.state in ENDED_STATES for trial in trials), told
    for trial in trials:
        lost = trial.run.state == RunState.LOST
        assert trial.state == (TrialState.FAILED if lost else TrialState.DONE), told
        assert trial.value == (None if lost else objective(parse_spec(trial.run.spec))), told
    assert search.answer["best"]["trial"] == best_of_rows(search), told
    assert search.trials.count() == TRIALS + 2 == Run.objects.filter(project=search.project).count(), told


def describe(search: Search, killed: list[str]) -> str:
    rows = search.trials.values_list("stage", "number", "state", "run__state", "run__attempt", "run__losses", "value")
    return f"{search.state} {search.message}; killed: {killed}; {list(rows)}"
