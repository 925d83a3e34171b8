"""A search on real workers: two of them take trials at once.

Trials sleep, so that what two workers save does not depend on how many processors there are. Starting a process does need
one: on a machine that is busy with other things, ``SEARCH_TRIAL_SECONDS`` makes trials longer.
"""

import os
import subprocess
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db.models import Max
from redis import Redis

from engine.spec import parse_spec
from tests.workers.fixtures import Version
from tests.workers.searches.objective import objective
from tests.workers.searches.searching import make_search
from tests.workers.waiting import wait_until
from webapp.searches.actions import cancel_search
from webapp.searches.models import Search, TrialState

APP = "tests.workers.searches.objective_app"
SECONDS = float(os.environ.get("SEARCH_TRIAL_SECONDS", "6"))
TRIALS = 6
StartProcess = Callable[..., "subprocess.Popen[bytes]"]


def wall_seconds(version: Version) -> float:
    """From the launch of a search until its last trial has ended."""
    search = make_search(version, at_once=3, trials=TRIALS)
    trials = search.trials.filter(stage="trial")
    wait_until(lambda: trials.exclude(state=TrialState.RUNNING).count() == TRIALS, 60 * SECONDS, "the search")
    check(search)
    last: datetime = trials.aggregate(last=Max("run__finished_at"))["last"]
    cancel_search(search, search.created_by)  # type: ignore[arg-type]
    return (last - search.created_at).total_seconds()


def check(search: Search) -> None:
    """No point twice, and each worth what it is worth."""
    found = list(search.trials.filter(stage="trial").select_related("run").order_by("number"))
    assert [trial.number for trial in found] == list(range(TRIALS))
    assert len({str(trial.read_candidate()) for trial in found}) == TRIALS
    assert [trial.value for trial in found] == [objective(parse_spec(trial.run.spec)) for trial in found]
    assert {(trial.run.attempt, trial.run.losses) for trial in found} == {(1, 0)}


@pytest.mark.services
@pytest.mark.timeout(1800)
def test_two_workers_take_little_more_than_half_the_time_of_one(
    version: Version, broker: "Redis[bytes]", start_worker: StartProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAL_SECONDS", str(SECONDS))
    monkeypatch.setenv("WORKER_WARM_SECONDS", "60")

    def ready(count: int) -> Callable[[], bool]:
        return lambda: sum(client["cmd"] == "brpop" for client in broker.client_list()) >= count

    start_worker("io", APP)
    start_worker("gpu", APP)
    wait_until(ready(2), 120)
    one = wall_seconds(version)
    assert one > SECONDS * TRIALS
    start_worker("gpu", APP)
    wait_until(ready(3), 120)
    two = wall_seconds(version)
    print(f"one worker {one:.1f} s, two workers {two:.1f} s: {two / one:.2f}")
    assert two < 0.65 * one
