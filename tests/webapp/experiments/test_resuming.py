from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from engine.errors import SpecError, UserError
from tests.webapp.people import People, finish, make_group, make_run
from webapp.datasets.models import Version
from webapp.experiments.models import Run, RunEvent
from webapp.experiments.resuming import extend_run, how_it_goes_on, last_checkpoint, resume_run, why_not_extend
from webapp.searches.models import Search, SearchTrial


def checkpoint(run: Run, sequence: int, step: int, *, attempt: int = 1, **more: Any) -> None:
    payload = {"path": "checkpoints/x", "step": step, "best": False, **more}
    RunEvent.objects.create(
        run=run, attempt=attempt, sequence=sequence, type="checkpoint", payload=payload, created_at=timezone.now()
    )


def make_trial(people: People, run: Run, state: str = "running", search_state: str = "running") -> SearchTrial:
    search = Search.objects.create(
        project=people.project, number=7, version=run.version, plan={}, at_once=1, state=search_state, created_by=people.alice
    )
    return SearchTrial.objects.create(
        search=search, stage="trial", number=0, candidate={}, fingerprint="f", parameters=1, run=run, state=state
    )


def test_the_last_checkpoint_is_the_newest_that_can_be_gone_on_from(version: Version) -> None:
    run = make_run(version, "failed", attempt=2)
    assert last_checkpoint(run) is None
    checkpoint(run, 0, 900)
    checkpoint(run, 0, 1200, attempt=2, epoch=3)
    checkpoint(run, 1, 1300, attempt=2, best=True)
    assert str(last_checkpoint(run)) == "step 1,200 of epoch 3"


@pytest.mark.parametrize("state", ["cancelled", "failed", "lost"])
def test_resuming_queues_the_same_row_again(
    people: People, version: Version, state: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    run = make_run(
        version, state, attempt=3, losses=3, error="It was lost.", hint="Do.", reference="ab", remedy={"kind": "lost"},
        worker="gpu-1:42", finished_at=timezone.now(), cancel_requested_at=timezone.now(),
    )  # fmt: skip
    checkpoint(run, 0, 1200, attempt=3, epoch=3)
    with django_capture_on_commit_callbacks() as callbacks:
        said = resume_run(run, people.alice)
    assert said == f"{run} waits for a worker. It resumes at step 1,200 of epoch 3."
    assert (run.state, run.attempt, run.losses, run.worker) == ("queued", 3, 0, "")
    assert (run.error, run.hint, run.reference, run.remedy) == ("", "", "", {})
    assert (run.finished_at, run.cancel_requested_at) == (None, None)
    assert len(callbacks) == 1
    with django_capture_on_commit_callbacks() as callbacks:
        assert resume_run(run, people.alice) == said
    assert callbacks == [], "asking twice asks once"


def test_without_a_checkpoint_it_says_that_it_starts_anew(people: People, version: Version) -> None:
    run = make_run(version, "cancelled", attempt=1)
    assert "it starts anew" in resume_run(run, people.alice)
    assert "starts anew" in how_it_goes_on(run)
    assert how_it_goes_on(make_run(version)) == "", "it has not begun yet"


def test_what_succeeded_is_not_resumed(people: People, version: Version) -> None:
    run = finish(make_run(version))
    with pytest.raises(UserError, match="nothing to resume"):
        resume_run(run, people.alice)
    assert Run.objects.get().state == "succeeded"


def test_resuming_goes_by_the_row_and_not_by_what_the_page_knew(people: People, version: Version) -> None:
    stale = make_run(version, "failed")
    Run.objects.update(state="running", attempt=9)
    resume_run(stale, people.alice)
    assert (stale.state, stale.attempt) == ("running", 9)


def test_a_viewer_may_neither_resume_nor_extend(people: People, version: Version) -> None:
    run = make_run(version, "cancelled")
    for call in (lambda: resume_run(run, people.bob), lambda: extend_run(run, people.charlie, {"epochs": 999})):
        with pytest.raises(PermissionDenied):
            call()


def test_a_run_of_a_group_stays_in_it(people: People, version: Version) -> None:
    group = make_group(version, labels=("base", "causal"), seeds=(0,))
    run = group.variants.get(label="causal").runs.get()
    Run.objects.filter(pk=run.pk).update(state="failed")
    run.refresh_from_db()
    resume_run(run, people.alice)
    assert run.variant is not None
    assert run.variant.group == group


@pytest.mark.parametrize(("trial", "search"), [("failed", "running"), ("cancelled", "running"), ("running", "cancelled")])
def test_a_trial_that_was_counted_is_not_resumed_by_hand(people: People, version: Version, trial: str, search: str) -> None:
    run = make_run(version, "failed")
    make_trial(people, run, trial, search)
    with pytest.raises(UserError, match="search-7 has counted this trial already"):
        resume_run(run, people.alice)
    assert Run.objects.get().state == "failed"


def test_a_trial_that_was_not_counted_yet_is_resumed(people: People, version: Version) -> None:
    run = make_run(version, "failed")
    make_trial(people, run)
    resume_run(run, people.alice)
    assert run.state == "queued"


def test_an_extension_is_a_new_run_that_continues_the_old_one(
    people: People, version: Version, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    run = finish(make_run(version))
    with django_capture_on_commit_callbacks() as callbacks:
        longer = extend_run(run, people.alice, {"epochs": 400, "patience": 20})
    assert len(callbacks) == 1
    assert (longer.continues, longer.state, longer.created_by) == (run, "queued", people.alice)
    assert longer.folder_key != run.folder_key
    run.refresh_from_db()
    before, after = run.spec, longer.spec
    assert (after["training"]["epochs"], after["training"]["patience"]) == (400, 20)
    assert {**after, "training": None} == {**before, "training": None}
    assert run.state == "succeeded"
    assert extend_run(run, people.alice, {"epochs": 400, "patience": 20}) == longer
    assert extend_run(run, people.alice, {"epochs": 500}) != longer
    assert how_it_goes_on(longer) == f"It goes on where {run} ended."


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"epochs": 3}, r"training.epochs: got 3, must be 200 or more"),
        ({"minutes": 5}, r"training.minutes: got 5\.0, must be no limit or more"),
        ({}, r"training.epochs: got 200, must be more"),
        ({"epochs": "many"}, r"training.epochs: got 'many', must be a whole number"),
    ],
)
def test_less_is_refused(people: People, version: Version, limits: dict[str, Any], problem: str) -> None:
    run = finish(make_run(version))
    with pytest.raises(SpecError, match=problem):
        extend_run(run, people.alice, limits)
    assert Run.objects.count() == 1


def test_what_cannot_be_extended_says_why(people: People, version: Version) -> None:
    failed = make_run(version, "failed")
    with pytest.raises(UserError, match="only a run that succeeded or was cancelled"):
        extend_run(failed, people.alice, {"epochs": 999})
    cancelled = make_run(version, "cancelled")
    with pytest.raises(UserError, match="before its first checkpoint"):
        extend_run(cancelled, people.alice, {"epochs": 999})
    checkpoint(cancelled, 0, 10)
    assert extend_run(cancelled, people.alice, {"epochs": 999}).continues == cancelled
    counts = finish(make_run(version, preset="popularity"))
    Run.objects.filter(pk=counts.pk).update(epochs=0, trainable_parameters=0)
    counts.refresh_from_db()
    assert "trains nothing" in why_not_extend(counts)
    with pytest.raises(UserError, match="trains nothing"):
        extend_run(counts, people.alice, {"epochs": 999})


def test_a_cancelled_run_waits_while_another_continues_it(people: People, version: Version) -> None:
    run = make_run(version, "cancelled")
    checkpoint(run, 0, 10)
    longer = extend_run(run, people.alice, {"epochs": 999})
    with pytest.raises(UserError, match=f"{longer} continues {run} already"):
        resume_run(run, people.alice)
    Run.objects.filter(pk=longer.pk).update(state="succeeded")
    resume_run(run, people.alice)
    assert run.state == "queued"
