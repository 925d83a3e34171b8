"""The tasks' part: leases, lost processes, searches that stand still."""

import signal
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from redis import Redis

from tests.workers.fixtures import FAST, Version
from tests.workers.searches.searching import end_run, make_search
from webapp.searches.actions import pause_search
from webapp.searches.models import Search, SearchState, SearchTrial, TrialState
from workers.searches import advancing
from workers.searches.advancing import advance, look
from workers.searches.settling import MAX_LOSSES, give_lease_back, is_due, settle, standing, take_lease
from workers.searches.steps import advance_search

Children = list[int]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    """What became of the children that would have been started; they work in this process."""
    started: Children = []

    def child(pk: int, _: object) -> int:
        started.append(pk)
        advance_search(pk)
        return 0

    monkeypatch.setattr(advancing, "supervise_search", child)
    return started


def first(search: Search) -> SearchTrial:
    return search.trials.order_by("number")[0]


def test_a_child_is_started_only_if_there_is_something_to_do(version: Version, children: Children) -> None:
    search = make_search(version)
    advance(search.pk, FAST)
    advance(search.pk, FAST)
    assert len(children) == 1, "both places are taken"
    end_run(first(search))
    advance(search.pk, FAST)
    advance(search.pk, FAST)
    assert len(children) == 2
    search.refresh_from_db()
    pause_search(search, search.created_by)  # type: ignore[arg-type]
    end_run(search.trials.get(number=1))
    advance(search.pk, FAST)
    assert len(children) == 2
    assert search.trials.filter(state=TrialState.DONE).count() == 2, "what ended is settled all the same"
    assert Search.objects.get(pk=search.pk).advancing_until is None
    advance(4711, FAST)


def test_nobody_looks_again_before_something_has_changed(version: Version, children: Children) -> None:
    search = make_search(version, at_once=4, trials=30, **{"space.ranks": [2], "space.targets": ["both"], "space.groups": 1})
    advance(search.pk, FAST)
    search.refresh_from_db()
    assert search.trials.count() == 2, "there are no others"
    assert search.settled == standing(search)
    advance(search.pk, FAST)
    assert (len(children), look()) == (1, [])


def test_one_worker_at_a_time_has_a_search_to_itself_and_not_for_ever(version: Version, children: Children) -> None:
    search = make_search(version)
    lease = take_lease(search.pk, 60)
    assert lease is not None
    assert take_lease(search.pk, 60) is None
    advance(search.pk, FAST)
    assert (children, look()) == ([], [])
    Search.objects.filter(pk=search.pk).update(advancing_until=timezone.now() - timedelta(seconds=1))
    other = take_lease(search.pk, 60)
    give_lease_back(search.pk, lease)
    assert take_lease(search.pk, 60) is None, "a lease that ran out gives nothing back"
    assert other is not None
    give_lease_back(search.pk, other)
    advance(search.pk, FAST)
    assert children == [search.pk]


def test_a_process_that_is_killed_again_and_again_fails_the_search(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    search = make_search(version)
    codes: Children = []

    def killed(pk: int, _: object) -> int:
        codes.append(-signal.SIGKILL)
        return codes[-1]

    monkeypatch.setattr(advancing, "supervise_search", killed)
    advance(search.pk, FAST)
    search.refresh_from_db()
    assert (len(codes), search.state) == (MAX_LOSSES, SearchState.FAILED)
    assert search.message == f"The process that chooses the next trials was lost {MAX_LOSSES} times in a row."


@pytest.mark.parametrize("code", [-signal.SIGTERM, 1])
def test_a_stopping_service_and_a_database_that_is_away_are_no_loss(
    version: Version, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    search = make_search(version)
    monkeypatch.setattr(advancing, "supervise_search", lambda pk, timings: code)
    advance(search.pk, FAST)
    search.refresh_from_db()
    assert (search.losses, search.state, search.advancing_until) == (0, SearchState.RUNNING, None)
    assert look() == [search.pk]


def test_progress_forgives_losses(version: Version, children: Children) -> None:
    search = make_search(version)
    Search.objects.filter(pk=search.pk).update(losses=MAX_LOSSES - 1)
    advance(search.pk, FAST)
    assert Search.objects.get(pk=search.pk).losses == 0


def test_a_search_that_stands_still_is_asked_for_again(version: Version, children: Children, broker: "Redis[bytes]") -> None:
    search = make_search(version)
    broker.delete("io")
    assert look() == [search.pk], "its first message was lost"
    assert broker.llen("io") == 1
    advance(search.pk, FAST)
    assert look() == []
    end_run(first(search))
    broker.delete("io")
    assert look() == [search.pk], "the message of a trial's end was lost"
    search.refresh_from_db()
    pause_search(search, search.created_by)  # type: ignore[arg-type]
    assert look() == [search.pk], "what ended is still to be settled"
    settle(search.pk)
    assert look() == []
    assert not is_due(Search.objects.get(pk=search.pk))


def test_the_database_refuses_a_trial_twice(version: Version, children: Children) -> None:
    search = make_search(version)
    advance(search.pk, FAST)
    one, other = search.trials.order_by("number")
    spoil: list[Callable[[SearchTrial], object]] = [
        lambda trial: setattr(trial, "number", one.number),
        lambda trial: setattr(trial, "fingerprint", one.fingerprint),
        lambda trial: setattr(trial, "run", one.run),
        lambda trial: setattr(trial, "value", 0.5),
        lambda trial: setattr(trial, "state", TrialState.DONE),
    ]
    for change in spoil:
        copy = SearchTrial.objects.get(pk=other.pk)
        change(copy)
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save()
