"""Launching searches, and what people may do with them."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404

from engine.errors import SpecError, UserError
from engine.search.plan import SearchPlan
from engine.search.presets import search_presets
from tests.webapp.people import People, make_run, make_version
from webapp.accounts.models import Membership
from webapp.datasets.models import Version, VersionState
from webapp.experiments.models import RunState
from webapp.searches.access import get_search_for_user, searches_for_user
from webapp.searches.actions import cancel_search, extend_search, pause_search, resume_search
from webapp.searches.launching import MAX_AT_ONCE, launch_search
from webapp.searches.models import Search, SearchState, SearchTrial, TrialState


@pytest.fixture(scope="module")
def plan() -> SearchPlan:
    return search_presets().get("search-nano").plan({"trials": 12})


@pytest.fixture
def search(people: People, version: Version, plan: SearchPlan) -> Search:
    return launch_search(people.project, version, people.alice, plan)


def with_trial(search: Search, run_state: str = RunState.QUEUED, **columns: object) -> SearchTrial:
    values = {"stage": "trial", "number": 0, "candidate": {}, "fingerprint": "a", "parameters": 0, **columns}
    return SearchTrial.objects.create(search=search, run=make_run(search.version, run_state), **values)


def test_a_search_is_a_row_that_keeps_its_plan(search: Search, plan: SearchPlan, people: People) -> None:
    search.refresh_from_db()
    assert search.read_plan() == plan
    assert (search.state, search.number, str(search)) == (SearchState.RUNNING, 1, "search-1")
    assert launch_search(people.project, search.version, people.alice, plan).number == 2
    project = people.charlie.memberships.get().project
    elsewhere = make_version(people)
    elsewhere.dataset.project = project
    elsewhere.dataset.save()
    assert launch_search(project, elsewhere, people.charlie, plan).number == 1


def test_who_may_not_launch(people: People, version: Version, plan: SearchPlan) -> None:
    for user in (people.bob, people.charlie):
        with pytest.raises(PermissionDenied):
            launch_search(people.project, version, user, plan)
    project = people.charlie.memberships.get().project
    with pytest.raises(UserError, match="does not belong to the project"):
        launch_search(project, version, people.charlie, plan)
    for at_once in (0, MAX_AT_ONCE + 1):
        with pytest.raises(UserError, match="must be 1 to"):
            launch_search(people.project, version, people.alice, plan, at_once=at_once)
    version.state = VersionState.FAILED
    with pytest.raises(UserError, match="not ready"):
        launch_search(people.project, version, people.alice, plan)
    assert not Search.objects.exists()


def test_who_may_see(search: Search, people: People) -> None:
    assert get_search_for_user(people.bob, search.pk) == search
    assert list(searches_for_user(people.charlie)) == []
    with pytest.raises(Http404):
        get_search_for_user(people.charlie, search.pk)


def extend_by_one(search: Search, user: User) -> None:
    extend_search(search, user, 1)


ACTIONS: list[Callable[[Search, User], None]] = [pause_search, resume_search, cancel_search, extend_by_one]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_viewer_changes_nothing(search: Search, people: People, action: Callable[..., None]) -> None:
    before = Search.objects.values().get()
    with pytest.raises(PermissionDenied):
        action(search, people.bob)
    assert Search.objects.values().get() == before


def test_what_goes_in_which_state(search: Search, people: People) -> None:
    Membership.objects.filter(user=people.bob).update(role="researcher")
    bob = people.bob
    with pytest.raises(UserError, match="nothing to resume"):
        resume_search(search, bob)
    pause_search(search, bob)
    assert search.state == SearchState.PAUSED
    with pytest.raises(UserError, match="nothing to pause"):
        pause_search(search, bob)
    extend_search(search, bob, 3)
    assert (search.plan["trials"], search.state) == (15, SearchState.PAUSED)
    resume_search(search, bob)
    assert search.state == SearchState.RUNNING
    for more, error in ((0, UserError), (20_000, SpecError)):
        with pytest.raises(error):
            extend_search(search, bob, more)
    Search.objects.update(state=SearchState.FINISHED, answer={"verdict": "as it was"})
    with pytest.raises(UserError, match="ended already"):
        cancel_search(search, bob)
    extend_search(search, bob, 1)
    assert (search.plan["trials"], search.state, search.answer) == (16, SearchState.RUNNING, {"verdict": "as it was"})
    cancel_search(search, bob)
    cancel_search(search, bob)
    assert search.state == SearchState.CANCELLED
    for action in (pause_search, resume_search):
        with pytest.raises(UserError):
            action(search, bob)
    with pytest.raises(UserError, match="cannot be extended"):
        extend_search(search, bob, 1)


def test_cancel_reaches_the_runs(search: Search, people: People) -> None:
    waiting = with_trial(search)
    working = with_trial(search, RunState.RUNNING, number=1, fingerprint="b")
    done = with_trial(search, RunState.SUCCEEDED, number=2, fingerprint="c", state=TrialState.DONE, value=0.1)
    cancel_search(search, people.alice)
    for trial, state in ((waiting, RunState.CANCELLED), (working, RunState.CANCELLING), (done, RunState.SUCCEEDED)):
        trial.run.refresh_from_db()
        assert trial.run.state == state


def test_resume_forgets_full_trainings_that_failed_and_keeps_trials(search: Search, people: People) -> None:
    with_trial(search, RunState.FAILED, state=TrialState.FAILED)
    gone = with_trial(search, RunState.FAILED, stage="winner", state=TrialState.FAILED)
    Search.objects.update(state=SearchState.FAILED, message="x", hint="y", losses=5, settled="z")
    resume_search(search, people.alice)
    assert (search.state, search.message, search.hint, search.losses, search.settled) == (SearchState.RUNNING, "", "", 0, "")
    assert list(search.trials.values_list("stage", flat=True)) == ["trial"]
    gone.run.refresh_from_db()


def test_runs_outlive_a_search_that_is_deleted(search: Search) -> None:
    trial = with_trial(search)
    Search.objects.filter(pk=search.pk).delete()
    trial.run.refresh_from_db()
