"""Workers keep to quotas: a run stops at a checkpoint when its time is up, searches wait for room, sizes are noted."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.workers.fixtures import FAST, Run, RunState, Version, storage_root, wait_for_state
from tests.workers.searches.searching import make_search
from webapp.accounts.models import Membership, Role
from webapp.experiments.models import AttemptRecord
from webapp.experiments.resuming import resume_run
from webapp.quotas.measuring import measure_missed
from webapp.quotas.models import MonthOfWork, ProjectQuota, StoredFolder
from webapp.quotas.use import use_of
from webapp.searches.models import SearchState
from workers.claims import claim_run
from workers.searches.settling import is_due
from workers.searches.steps import advance_search
from workers.supervisor import supervise_run

MakeRun = Callable[..., Run]
Background = Callable[[Callable[[], object]], threading.Thread]
pytestmark = [pytest.mark.services, pytest.mark.usefixtures("stand_in")]


def execute(run: Run) -> None:
    attempt = claim_run(run.pk)
    assert attempt is not None
    supervise_run(attempt, FAST)
    run.refresh_from_db()


def test_a_run_out_of_time_stops_at_a_checkpoint_and_goes_on_later(make_run: MakeRun, background: Background) -> None:
    run = make_run(steps=400, pause=0.05)
    background(lambda: execute(Run.objects.get(pk=run.pk)))
    wait_for_state(run, RunState.RUNNING)
    quota = ProjectQuota.objects.create(project=run.project, run_hours=1)
    AttemptRecord.objects.filter(run=run).update(started_at=timezone.now() - timedelta(hours=1))
    wait_for_state(run, RunState.FAILED)
    assert "has had the 1 h 00 min of work that one run of the project may take" in run.error
    assert (run.remedy["kind"], run.reference) == ("quota", "")
    steps = int((storage_root() / run.folder_key / "checkpoint").read_text())
    assert 0 < steps < 400
    assert MonthOfWork.objects.get(project=run.project).seconds > 0
    quota.run_hours = 2
    quota.save()
    boss = User.objects.create(username="boss")
    Membership.objects.create(project=run.project, user=boss, role=Role.RESEARCHER)
    resume_run(run, boss)
    (storage_root() / run.folder_key / "behaviour.json").write_text("{}")
    execute(run)
    assert run.state == RunState.SUCCEEDED
    assert run.events.filter(attempt=2, payload__message=f"begins at step {steps}").exists()


def test_a_project_without_hours_has_its_runs_stopped(make_run: MakeRun) -> None:
    run = make_run(steps=400, pause=0.05)
    ProjectQuota.objects.create(project=run.project, month_hours=1e-6)
    execute(run)
    assert run.state == RunState.FAILED
    assert "may take in a month" in run.error


def test_sizes_are_noted_when_a_run_ends_and_what_was_missed_is_found(make_run: MakeRun, version: Version) -> None:
    run = make_run()
    execute(run)
    noted = StoredFolder.objects.get(run=run)
    assert noted.size > 0
    assert use_of(run.project_id).disk == noted.size
    noted.delete()
    measure_missed()
    assert StoredFolder.objects.get(run=run).size == noted.size
    assert StoredFolder.objects.get(key=version.storage_key).size > 1000


def test_a_search_waits_while_the_queue_is_full(version: Version, make_run: MakeRun) -> None:
    ProjectQuota.objects.create(project=version.dataset.project, queued_runs=2)
    make_run()
    search = make_search(version, at_once=3)
    assert is_due(search)
    advance_search(search.pk)
    assert search.trials.count() == 1
    assert not is_due(search)
    advance_search(search.pk)
    search.refresh_from_db()
    assert (search.trials.count(), search.state) == (1, SearchState.RUNNING)
    Run.objects.filter(search_trial=None).update(state=RunState.CANCELLED)
    assert is_due(search)


def test_a_search_without_hours_fails_and_says_so(version: Version) -> None:
    search = make_search(version, at_once=1)
    ProjectQuota.objects.create(project=version.dataset.project, month_hours=1)
    MonthOfWork.objects.create(project=version.dataset.project, month=timezone.now().date().replace(day=1), seconds=3600)
    advance_search(search.pk)
    search.refresh_from_db()
    assert search.state == SearchState.FAILED
    assert "may take in a month" in search.message
