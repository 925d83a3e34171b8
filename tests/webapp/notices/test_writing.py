import threading
from typing import Any

import pytest
from django.db import connection

from tests.webapp.people import HOSTILE, People, group_run, make_group, make_people, make_run, make_version
from tests.workers.stand_in import make_result
from webapp.datasets.models import Version
from webapp.experiments.actions import cancel_group, request_cancel
from webapp.experiments.models import Run, RunState
from webapp.notices.models import Channel, Delivery, Notice, Preferences
from webapp.searches.actions import cancel_search
from webapp.searches.models import Search, SearchTrial
from workers.attempts import RunAttempt, VersionAttempt
from workers.claims import claim_run, claim_version
from workers.failures import Failure
from workers.outcome import succeed
from workers.searches.settling import fail


def begun(run: Run) -> RunAttempt:
    attempt = claim_run(run.pk)
    assert attempt is not None
    return attempt


def told() -> list[tuple[str, str]]:
    return list(Notice.objects.order_by("pk").values_list("subject", "outcome"))


def make_search(version: Version, people: People) -> Search:
    values: dict[str, Any] = {"project": people.project, "number": 1, "plan": {"trials": 3}, "at_once": 2}
    return Search.objects.create(version=version, created_by=people.alice, **values)


def test_the_one_who_launched_it_is_told_once(version: Version, people: People) -> None:
    run = make_run(version)
    attempt = begun(run)
    assert attempt.fail(Failure("Out of memory.", "Take a smaller batch."))
    assert not attempt.fail(Failure("Late."))
    assert not attempt.cancel()
    notice = Notice.objects.get()
    assert (notice.user, notice.project, notice.subject, notice.outcome) == (people.alice, people.project, "run", "failed")
    assert notice.title == f"{run} (sasrec on Beauty v1) has failed"
    assert notice.detail == "Out of memory. Take a smaller batch."
    assert notice.path == f"/runs/{run.pk}"
    assert notice.read_at is None


def test_success_is_told_in_the_same_transaction(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = begun(make_run(version))
    with monkeypatch.context() as patch:
        patch.setattr("workers.outcome.runs_ended", _broken)
        with pytest.raises(ZeroDivisionError):
            succeed(attempt, make_result())
    assert Run.objects.get().state == RunState.STARTING
    assert succeed(attempt, make_result())
    assert told() == [("run", "succeeded")]


def test_a_loss_is_told_when_it_is_the_last(version: Version) -> None:
    run = make_run(version)
    for _ in range(2):
        begun(run).lose("silence")
    assert told() == []
    begun(run).lose("silence")
    assert told() == [("run", "lost")]


def test_what_is_cancelled_while_it_waits_is_told_too(version: Version) -> None:
    run = make_run(version)
    request_cancel(run)
    assert told() == [("run", "cancelled")]
    with pytest.raises(Exception, match="ended already"):
        request_cancel(run)
    assert told() == [("run", "cancelled")]


def test_a_group_is_told_when_its_last_run_has_ended(version: Version) -> None:
    group = make_group(version, ("base", "sasrec"), (0,))
    Notice.objects.all().delete()
    assert begun(group_run(group, "base", 0)).fail(Failure("No."))
    assert told() == []
    cancel_group(group)
    notice = Notice.objects.get()
    assert (notice.subject, notice.outcome, notice.path) == ("group", "failed", f"/groups/{group.pk}")
    assert notice.title.endswith("has ended: 1 failed, 1 cancelled")


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_that_end_at_once_one_tells_of_the_group() -> None:
    group = make_group(make_version(make_people()), ("base", "sasrec"), (0,))
    attempts = [begun(group_run(group, label, 0)) for label in ("base", "sasrec")]
    together = threading.Barrier(2)

    def end(attempt: RunAttempt) -> None:
        try:
            together.wait(10)
            attempt.fail(Failure("No."))
        finally:
            connection.close()

    threads = [threading.Thread(target=end, args=(attempt,)) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told() == [("group", "failed")]


def test_trials_are_silent_and_their_search_is_told(version: Version, people: People) -> None:
    search, run = make_search(version, people), make_run(version)
    values: dict[str, Any] = {"stage": "trial", "number": 0, "candidate": {}, "fingerprint": "x", "parameters": 1}
    SearchTrial.objects.create(search=search, run=run, **values)
    assert begun(run).fail(Failure("No."))
    assert told() == []
    fail(search, Failure("It cannot go on.", "Resume it."))
    fail(search, Failure("It cannot go on."))
    notice = Notice.objects.get()
    assert (notice.subject, notice.outcome, notice.detail) == ("search", "failed", "It cannot go on. Resume it.")


def test_a_cancelled_search_is_told_once(version: Version, people: People) -> None:
    search = make_search(version, people)
    cancel_search(search, people.alice)
    cancel_search(search, people.alice)
    assert told() == [("search", "cancelled")]


def test_a_version_is_told(people: People) -> None:
    version = make_version(people, state="queued")
    attempt = claim_version(version.pk)
    assert attempt is not None
    assert attempt.fail(Failure("No rows.", "Look at the file."))
    assert not attempt.fail(Failure("Late."))
    ready = make_version(people, state="ingesting", attempt=1)
    assert VersionAttempt(ready.pk, 1).end(state="ready")
    assert told() == [("version", "failed"), ("version", "succeeded")]
    assert Notice.objects.order_by("-pk")[0].detail == "600 users, 240 items, 9,120 interactions"


def test_nobody_is_told_of_what_nobody_launched(version: Version) -> None:
    run = make_run(version, created_by=None)
    assert begun(run).fail(Failure("No."))
    assert told() == []


def test_ways_are_taken_that_are_on_and_have_an_address(people: People) -> None:
    version = make_version(people, HOSTILE * 2)
    Preferences.objects.create(user=people.alice, email_on=True, webhook_url="https://example.org/")
    begun(make_run(version)).fail(Failure("No."))
    assert [delivery.channel for delivery in Delivery.objects.all()] == [Channel.WEBHOOK]
    people.alice.email = "alice@example.org"
    people.alice.save()
    begun(make_run(version)).fail(Failure("No."))
    assert Delivery.objects.count() == 3


def _broken(runs: list[int]) -> None:
    raise ZeroDivisionError
