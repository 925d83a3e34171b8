from collections.abc import Callable

import pytest
from django.utils import timezone
from redis import Redis

from tests.workers.fixtures import Run, RunState, Version, VersionState
from tests.workers.stand_in import make_result
from webapp.experiments.actions import request_cancel
from webapp.experiments.models import LayerAdapter, RunEvent, SampleRecommendation
from workers.attempts import Pulse, RunAttempt, VersionAttempt
from workers.claims import claim_run, claim_version
from workers.failures import Failure
from workers.outcome import succeed
from workers.recorder import write_batch

MakeRun = Callable[..., Run]


def test_a_beat_is_written(run: Run, attempt: RunAttempt) -> None:
    run.refresh_from_db()
    before = run.heartbeat_at
    assert attempt.beat() is Pulse.HELD
    run.refresh_from_db()
    assert before is not None
    assert run.heartbeat_at is not None
    assert run.heartbeat_at > before


def test_a_beat_hears_that_somebody_cancelled(run: Run, attempt: RunAttempt) -> None:
    request_cancel(run)
    assert run.state == RunState.CANCELLING
    assert attempt.beat() is Pulse.CANCEL


def test_giving_back_queues_the_run_and_asks_again_without_a_loss(run: Run, attempt: RunAttempt, broker: "Redis[bytes]") -> None:
    assert attempt.give_back()
    run.refresh_from_db()
    assert (run.state, run.losses, run.worker, run.heartbeat_at) == (RunState.QUEUED, 0, "", None)
    assert broker.llen("gpu") == 1


def test_the_first_two_losses_queue_the_run_and_the_third_ends_it(run: Run, broker: "Redis[bytes]") -> None:
    for losses in (1, 2):
        attempt = claim_run(run.pk)
        assert attempt is not None
        assert attempt.lose("its process was killed (SIGKILL)")
        run.refresh_from_db()
        assert (run.state, run.losses, run.error) == (RunState.QUEUED, losses, "")
        assert broker.llen("gpu") == losses
        event = RunEvent.objects.get(run=run, attempt=losses)
        assert event.type == "warning"
        assert f"Attempt {losses} was lost: its process was killed (SIGKILL)." in event.payload["message"]
    attempt = claim_run(run.pk)
    assert attempt is not None
    assert attempt.lose("its process was killed (SIGKILL)")
    run.refresh_from_db()
    assert (run.state, run.losses) == (RunState.LOST, 3)
    assert run.error == "The run was lost 3 times: its process was killed (SIGKILL)."
    assert "memory" in run.hint
    assert run.finished_at is not None
    assert broker.llen("gpu") == 2


@pytest.mark.parametrize("end", ["give_back", "lose"])
def test_a_cancelled_run_whose_attempt_ends_is_cancelled(run: Run, attempt: RunAttempt, end: str, broker: "Redis[bytes]") -> None:
    request_cancel(run)
    assert attempt.lose("gone") if end == "lose" else attempt.give_back()
    run.refresh_from_db()
    assert (run.state, run.losses) == (RunState.CANCELLED, 0)
    assert run.finished_at is not None
    assert broker.llen("gpu") == 0


def test_a_failure_is_stored(run: Run, attempt: RunAttempt) -> None:
    assert attempt.fail(Failure("No.", "Do.", "01234567"))
    run.refresh_from_db()
    assert (run.state, run.error, run.hint, run.reference) == (RunState.FAILED, "No.", "Do.", "01234567")
    assert RunEvent.objects.get(run=run).payload == {"message": "Failed: No."}


def test_a_stale_attempt_changes_nothing(run: Run, attempt: RunAttempt, broker: "Redis[bytes]") -> None:
    attempt.lose("silence")
    current = claim_run(run.pk)
    assert current == RunAttempt(run.pk, 2)
    before = Run.objects.filter(pk=run.pk).values().get()
    events, messages = RunEvent.objects.count(), broker.llen("gpu")
    row = RunEvent(run_id=run.pk, attempt=1, sequence=50, type="log", payload={}, created_at=timezone.now())

    assert attempt.beat() is Pulse.GONE
    assert not attempt.give_back()
    assert not attempt.lose("again")
    assert not attempt.fail(Failure("No."))
    assert not attempt.cancel()
    assert not succeed(attempt, make_result())
    assert not write_batch(attempt, [row], None)

    assert Run.objects.filter(pk=run.pk).values().get() == before
    assert RunEvent.objects.count() == events
    assert broker.llen("gpu") == messages
    assert not LayerAdapter.objects.exists()
    assert not SampleRecommendation.objects.exists()
    assert current is not None
    assert succeed(current, make_result())


def test_an_ended_run_is_not_ended_again(run: Run, attempt: RunAttempt) -> None:
    assert succeed(attempt, make_result())
    assert not attempt.lose("late")
    assert not attempt.fail(Failure("late"))
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED


def test_a_version_lost_three_times_fails(version: Version, broker: "Redis[bytes]") -> None:
    Version.objects.filter(pk=version.pk).update(state=VersionState.QUEUED)
    for number in (1, 2, 3):
        attempt = claim_version(version.pk)
        assert attempt == VersionAttempt(version.pk, number)
        assert attempt.beat() is Pulse.HELD
        assert attempt.lose()
        assert not attempt.lose()
        assert attempt.beat() is Pulse.GONE
    version.refresh_from_db()
    assert version.state == VersionState.FAILED
    assert "lost three times" in version.error
    assert version.hint
    assert broker.llen("io") == 2
