import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.workers.fixtures import FAST, Run, RunState
from tests.workers.waiting import wait_until
from webapp.experiments.actions import request_cancel
from workers.attempts import RunAttempt
from workers.claims import claim_run
from workers.lifeline import Lifeline, Stop
from workers.timings import Timings


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    return make_run()


@pytest.fixture
def start(run: Run) -> Iterator[Callable[..., Lifeline]]:
    attempt = claim_run(run.pk)
    assert attempt is not None
    with ExitStack() as stack:

        def make(timings: Timings = FAST) -> Lifeline:
            lifeline = Lifeline(RunAttempt(run.pk, 1), timings)
            lifeline.start()
            stack.callback(lifeline.close)
            return lifeline

        yield make


def test_it_beats_again_and_again(run: Run, start: Callable[..., Lifeline]) -> None:
    lifeline = start()
    seen = set()

    def three_beats() -> bool:
        run.refresh_from_db()
        seen.add(run.heartbeat_at)
        return len(seen) > 3

    wait_until(three_beats)
    assert not lifeline.should_stop()


def test_a_cancel_is_heard(run: Run, start: Callable[..., Lifeline]) -> None:
    lifeline = start()
    request_cancel(run)
    wait_until(lifeline.should_stop)
    assert lifeline.reason is Stop.CANCEL


def test_a_cancelled_job_goes_on_beating_until_it_has_ended(run: Run, start: Callable[..., Lifeline]) -> None:
    lifeline = start()
    request_cancel(run)
    wait_until(lifeline.should_stop)
    run.refresh_from_db()
    heard = run.heartbeat_at

    def beats_on() -> bool:
        run.refresh_from_db()
        return run.heartbeat_at != heard

    wait_until(beats_on)
    assert run.state == RunState.CANCELLING


def test_who_cannot_beat_for_long_stops(run: Run, start: Callable[..., Lifeline]) -> None:
    from django.db import transaction

    with transaction.atomic():
        # The heartbeat waits for this lock, as it would for a database that hangs.
        Run.objects.select_for_update().get(pk=run.pk)
        lifeline = start(replace(FAST, give_up=0.3, silence=60))
        wait_until(lifeline.should_stop)
    assert lifeline.reason is Stop.SILENT


def test_after_the_end_it_beats_no_more(run: Run, start: Callable[..., Lifeline]) -> None:
    lifeline = start()
    lifeline.close()
    run.refresh_from_db()
    heard = run.heartbeat_at
    Run.objects.filter(pk=run.pk).update(state=RunState.SUCCEEDED)
    assert not [thread for thread in threading.enumerate() if thread.name in ("heartbeat", "watch")]
    run.refresh_from_db()
    assert run.heartbeat_at == heard
    assert not lifeline.should_stop()


STUCK = """
import django, sys
django.setup()
from workers.attempts import Pulse
from workers.lifeline import Lifeline
from workers.timings import Timings

class Held:
    def beat(self):
        return Pulse.HELD

Lifeline(Held(), Timings(beat=0.1, give_up=0.5, silence=1)).start()
sum(range(10**12))
"""


def test_even_a_job_that_holds_pythons_lock_ends() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    process = subprocess.run(
        [sys.executable, "-c", STUCK], env=environment, timeout=20, stderr=subprocess.PIPE, text=True, check=False
    )
    assert process.returncode == 1
    assert "Timeout" in process.stderr
