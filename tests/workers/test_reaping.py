import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis import Redis

from tests.workers.fixtures import FAST, Run, RunState, Version, VersionState
from webapp import broker as web_broker
from webapp.datasets.models import Question
from webapp.experiments.actions import request_cancel
from workers.attempts import RunAttempt
from workers.claims import claim_run, claim_version
from workers.reaping import Reaper

MakeRun = Callable[..., Run]


@pytest.fixture
def reaper() -> Reaper:
    return Reaper(FAST)


def silent(run: Run, seconds: float = FAST.silence + 1) -> RunAttempt:
    """Claim ``run`` for a worker that has not been heard for ``seconds``."""
    attempt = claim_run(run.pk)
    assert attempt is not None
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=seconds))
    return attempt


def test_a_silent_attempt_is_lost_and_the_run_is_asked_for_again(
    make_run: MakeRun, reaper: Reaper, broker: "Redis[bytes]"
) -> None:
    run = make_run()
    silent(run)
    reaper.look()
    run.refresh_from_db()
    assert (run.state, run.losses, run.attempt) == (RunState.QUEUED, 1, 1)
    assert broker.llen("gpu") == 1


def test_the_third_silence_ends_the_run(make_run: MakeRun, reaper: Reaper) -> None:
    run = make_run()
    for _ in range(3):
        silent(run)
        reaper.look()
    run.refresh_from_db()
    assert (run.state, run.losses) == (RunState.LOST, 3)
    assert "silent" in run.error


def test_who_beats_is_left_alone(make_run: MakeRun, reaper: Reaper) -> None:
    run = make_run()
    silent(run, seconds=FAST.silence - 10)
    reaper.look()
    run.refresh_from_db()
    assert (run.state, run.losses) == (RunState.STARTING, 0)


def test_a_cancelled_run_without_a_living_child_is_cancelled(make_run: MakeRun, reaper: Reaper) -> None:
    run = make_run()
    silent(run)
    request_cancel(run)
    reaper.look()
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED


@pytest.mark.parametrize("attempt", [1, 3])
def test_a_silent_version_is_read_again_at_most_three_times(version: Version, reaper: Reaper, attempt: int) -> None:
    Version.objects.filter(pk=version.pk).update(state=VersionState.QUEUED, attempt=attempt - 1)
    assert claim_version(version.pk) is not None
    Version.objects.filter(pk=version.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=FAST.silence + 1))
    reaper.look()
    version.refresh_from_db()
    assert version.state == (VersionState.FAILED if attempt == 3 else VersionState.QUEUED)


def test_nobody_is_lost_soon_after_the_reapers_own_start(make_run: MakeRun) -> None:
    run = make_run()
    silent(run)
    reaper = Reaper(replace(FAST, quiet_start=60))
    # The database must be old enough, so that only the reaper is young.
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())")
        age = float(cursor.fetchone()[0])
    reaper.timings = replace(FAST, quiet_start=age / 2)
    reaper.look()
    run.refresh_from_db()
    assert run.state == RunState.STARTING
    reaper.awake_since -= age
    reaper.look()
    run.refresh_from_db()
    assert run.state == RunState.QUEUED


def test_nobody_is_lost_soon_after_the_databases_start(make_run: MakeRun) -> None:
    run = make_run()
    silent(run)
    reaper = Reaper(replace(FAST, quiet_start=10_000_000), awake_since=time.monotonic() - 20_000_000)
    reaper.look()
    run.refresh_from_db()
    assert run.state == RunState.STARTING


def test_messages_that_the_broker_lost_are_sent_again_once(
    make_run: MakeRun, version: Version, reaper: Reaper, broker: "Redis[bytes]"
) -> None:
    for _ in range(3):
        make_run()
    Version.objects.create(dataset=version.dataset, number=2)
    reaper.look()
    assert (broker.llen("gpu"), broker.llen("io")) == (3, 1)
    for _ in range(3):
        reaper.look()
    assert (broker.llen("gpu"), broker.llen("io")) == (3, 1)


def test_they_are_sent_again_after_the_broker_lost_everything_it_knew(
    make_run: MakeRun, reaper: Reaper, broker: "Redis[bytes]"
) -> None:
    run = make_run()
    web_broker.ask("runs.execute", run.pk)
    assert broker.llen("gpu") == 1
    broker.flushdb()
    reaper.look()
    assert broker.llen("gpu") == 1


def test_a_row_that_was_queued_just_now_is_on_its_way(make_run: MakeRun, broker: "Redis[bytes]") -> None:
    make_run()
    Reaper(replace(FAST, resend_after=60)).look()
    assert broker.llen("gpu") == 0


def test_a_long_queue_is_not_flooded(make_run: MakeRun, reaper: Reaper, broker: "Redis[bytes]") -> None:
    runs = [make_run() for _ in range(4)]
    web_broker.ask("runs.execute", runs[0].pk)
    reaper.look()
    assert broker.llen("gpu") == 1


@pytest.fixture
def no_broker(settings: Settings) -> Iterator[None]:
    """A broker that does not answer."""
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    web_broker.producer.cache_clear()
    yield
    web_broker.producer.cache_clear()


def test_it_decides_without_a_broker(
    make_run: MakeRun, reaper: Reaper, no_broker: None, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run()
    silent(run)
    with caplog.at_level(logging.WARNING):
        reaper.look()
    run.refresh_from_db()
    assert (run.state, run.losses) == (RunState.QUEUED, 1)
    assert "the broker does not answer" in caplog.text


def test_it_survives_a_database_that_goes_away(database: None, reaper: Reaper, caplog: pytest.LogCaptureFixture) -> None:
    failed: list[BaseException] = []

    def look_without_database() -> None:
        # A connection of this thread only, to a place where nothing listens.
        connections["default"].settings_dict = {**connections["default"].settings_dict, "PORT": "1"}
        try:
            reaper.look()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=look_without_database)
    before = reaper.awake_since
    with caplog.at_level(logging.WARNING):
        thread.start()
        thread.join()
    assert failed == []
    assert "the database does not answer" in caplog.text
    # Nobody could beat meanwhile, so that the wait begins anew.
    assert reaper.awake_since > before


def test_it_looks_until_it_is_told_to_stop(make_run: MakeRun, reaper: Reaper) -> None:
    run = make_run()
    silent(run)
    stop = threading.Event()
    thread = threading.Thread(target=reaper.run, args=(stop,))
    thread.start()
    from tests.workers.fixtures import wait_for_state

    wait_for_state(run, RunState.QUEUED)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_question_whose_message_was_lost_is_asked_again(version: Version, reaper: Reaper, broker: "Redis[bytes]") -> None:
    asked = Question.objects.create(version=version, kind="profile")
    Question.objects.create(version=version, kind="preview", state="answered")
    reaper.repeat_lost_messages()
    assert broker.llen("io") == 1
    asked.delete()
