"""The whole way: a page's question, a message, a real worker on the queue serve, a warm child, an answer."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import psutil
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from redis import Redis

from engine.data.version import read_version
from tests.workers.fixtures import FAST, child_of_this_process, storage_root
from tests.workers.serving.conftest import Trained, make_ask
from tests.workers.waiting import wait_until
from webapp.serving.asking import ask_run, recommend_question, wait_for_answer
from webapp.serving.models import Ask, AskKind, AskState
from workers.reaping import Reaper
from workers.serving.supervising import supervise_ask
from workers.sweep import sweep

pytestmark = pytest.mark.services
StartProcess = Callable[..., "subprocess.Popen[bytes]"]


def test_answers_come_within_a_second_after_the_first(
    trained: Trained, asker: User, start_worker: StartProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKER_SERVE_WARM_SECONDS", "60")
    run = trained("sasrec")
    ids = read_version(storage_root() / run.version.storage_key).item_ids
    start_worker("serve", "workers.app")
    seconds = []
    for number in range(5):
        begin = time.monotonic()
        ask = ask_run(run, asker, AskKind.RECOMMEND, recommend_question(ids[: number + 1], 10))
        assert wait_for_answer(ask, 60)
        seconds.append(time.monotonic() - begin)
        assert (ask.state, ask.error) == (AskState.ANSWERED, "")
        assert len(ask.answer["recommended"]) == 10
    print("seconds of the first answer and of the following ones:", [round(value, 3) for value in seconds])
    assert sorted(seconds[1:])[1] < 1


def test_a_child_that_takes_too_long_leaves_a_failed_question(trained: Trained) -> None:
    ask = make_ask(trained(), query="a")
    supervise_ask(ask.pk, replace(FAST, serve_wall=0))
    ask.refresh_from_db()
    assert (ask.state, ask.error[:34]) == (AskState.FAILED, "Loading or asking this run's model")
    assert child_of_this_process() is None


def test_the_same_child_answers_for_several_runs(trained: Trained) -> None:
    runs = [trained(), trained("item-knn")]
    ids = read_version(storage_root() / runs[0].version.storage_key).item_ids[:2]
    asks = [make_ask(run, items=ids) for run in runs * 2]
    timings = replace(FAST, serve_warm=60)
    for ask in asks:
        supervise_ask(ask.pk, timings)
    child = child_of_this_process()
    assert child is not None
    assert [Ask.objects.get(pk=ask.pk).answer["opened"] > 0 for ask in asks] == [True, True, False, False]
    supervise_ask(make_ask(runs[0], query="a").pk, replace(FAST, serve_warm=0.1))
    wait_until(lambda: not psutil.pid_exists(child.pid))


def test_lost_messages_are_repeated_and_taken_ones_are_not(trained: Trained, broker: "Redis[bytes]") -> None:
    ask = make_ask(trained())
    Ask.objects.update(taken_at=timezone.now() - timedelta(seconds=FAST.silence + 1), heartbeat_at=timezone.now())
    Reaper(FAST).look()
    assert broker.llen("serve") == 0
    Ask.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=FAST.silence + 1))
    Reaper(FAST).look()
    assert broker.llen("serve") == 1
    broker.delete("serve")
    Ask.objects.filter(pk=ask.pk).update(taken_at=None)
    Reaper(FAST).look()
    assert broker.llen("serve") == 1


def test_questions_of_yesterday_are_swept(trained: Trained) -> None:
    old, new = make_ask(trained()), make_ask(trained())
    Ask.objects.filter(pk=old.pk).update(asked_at=timezone.now() - timedelta(days=1, minutes=1))
    sweep()
    assert list(Ask.objects.all()) == [new]
