import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from engine.errors import UserError
from engine.presets import get_preset
from engine.spec import parse_spec
from tests.webapp.people import People, make_run, make_version
from webapp.datasets.models import Version
from webapp.experiments.actions import launch_run, request_cancel
from webapp.experiments.models import ENDED_STATES, Run


def test_launch_stores_the_whole_spec_and_asks_a_worker(
    people: People, version: Version, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    spec = get_preset("darec-nano").spec({"training.epochs": 3})
    with django_capture_on_commit_callbacks() as callbacks:
        run = launch_run(version, people.alice, spec)
    assert len(callbacks) == 1
    run.refresh_from_db()
    assert parse_spec(run.spec) == spec
    assert (run.state, run.method, run.preset, run.folder_key) == ("queued", "darec", "darec-nano", f"runs/{run.pk}")
    assert run.queued_at is not None
    assert run.project == people.project


@pytest.mark.parametrize("state", ["queued", "ingesting", "failed"])
def test_only_a_ready_version_can_be_used(people: People, state: str) -> None:
    version = make_version(people, state=state)
    with pytest.raises(UserError, match=f"Beauty v1 is {state}, not ready"):
        launch_run(version, people.alice, get_preset("popularity").spec())
    assert not Run.objects.exists()


def test_a_backslash_is_no_nul_character(people: People, version: Version) -> None:
    run = launch_run(version, people.alice, get_preset("darec-nano").spec({"method.text.instruction": "a\\u0000b"}))
    run.refresh_from_db()
    assert run.spec["method"]["text"]["instruction"] == "a\\u0000b"


def test_nul_characters_cannot_be_stored(people: People, version: Version) -> None:
    with pytest.raises(UserError, match="NUL"):
        launch_run(version, people.alice, get_preset("darec-nano").spec({"method.text.instruction": "a\x00b"}))


def test_cancel_while_queued_is_at_once(version: Version) -> None:
    run = make_run(version)
    request_cancel(run)
    assert run.state == "cancelled"
    assert run.finished_at is not None


@pytest.mark.parametrize("state", ["starting", "running", "evaluating"])
def test_cancel_while_working_asks_and_asking_twice_changes_nothing(version: Version, state: str) -> None:
    run = make_run(version, state)
    request_cancel(run)
    assert run.state == "cancelling"
    first = run.cancel_requested_at
    assert first is not None
    request_cancel(run)
    assert (run.state, run.cancel_requested_at) == ("cancelling", first)


@pytest.mark.parametrize("state", ENDED_STATES)
def test_what_has_ended_stays_as_it_is(version: Version, state: str) -> None:
    run = make_run(version, state)
    with pytest.raises(UserError, match="has ended already"):
        request_cancel(run)
    run.refresh_from_db()
    assert run.state == state


def test_cancel_goes_by_the_row_and_not_by_what_the_page_knew(version: Version) -> None:
    stale = make_run(version)
    Run.objects.update(state="succeeded")
    with pytest.raises(UserError):
        request_cancel(stale)
    assert Run.objects.get().state == "succeeded"
