import threading
from collections.abc import Callable

import pytest

from tests.workers.fixtures import Run, RunState, Version, VersionState
from workers.attempts import RunAttempt
from workers.claims import claim_run, claim_version, this_worker

MakeRun = Callable[..., Run]


def test_a_claim_takes_the_run_for_a_new_attempt(make_run: MakeRun) -> None:
    run = make_run()
    Run.objects.filter(pk=run.pk).update(attempt=1, error="old", hint="old", reference="old")
    attempt = claim_run(run.pk)
    run.refresh_from_db()
    assert attempt == RunAttempt(run.pk, 2)
    assert (run.state, run.attempt, run.worker) == (RunState.STARTING, 2, this_worker())
    assert run.started_at is not None
    assert run.heartbeat_at == run.started_at
    assert (run.error, run.hint, run.reference) == ("", "", "")


def test_a_message_that_is_delivered_again_claims_nothing(make_run: MakeRun) -> None:
    run = make_run()
    assert claim_run(run.pk) is not None
    assert claim_run(run.pk) is None
    run.refresh_from_db()
    assert run.attempt == 1


@pytest.mark.parametrize("state", [state for state in RunState if state != RunState.QUEUED])
def test_only_a_queued_run_can_be_claimed(make_run: MakeRun, state: RunState) -> None:
    run = make_run()
    Run.objects.filter(pk=run.pk).update(state=state)
    assert claim_run(run.pk) is None
    run.refresh_from_db()
    assert (run.state, run.attempt) == (state, 0)


def test_a_run_that_does_not_exist_is_nothing_to_do(database: None) -> None:
    assert claim_run(4711) is None


def test_of_many_that_claim_at_the_same_moment_one_succeeds(
    make_run: MakeRun, background: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    run = make_run()
    together = threading.Barrier(6)
    won: list[RunAttempt | None] = []

    def claim() -> None:
        together.wait()
        won.append(claim_run(run.pk))

    for thread in [background(claim) for _ in range(6)]:
        thread.join()
    assert [attempt for attempt in won if attempt] == [RunAttempt(run.pk, 1)]
    assert len(won) == 6


def test_a_version_is_claimed_once(version: Version) -> None:
    Version.objects.filter(pk=version.pk).update(state=VersionState.QUEUED, error="old")
    assert claim_version(version.pk) is not None
    assert claim_version(version.pk) is None
    version.refresh_from_db()
    assert (version.state, version.attempt, version.error) == (VersionState.INGESTING, 1, "")
    assert version.heartbeat_at is not None
