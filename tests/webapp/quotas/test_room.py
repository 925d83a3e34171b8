"""Quotas say no in one place, whoever asks, and never too late."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from engine.presets import get_preset
from engine.spec import FilterSpec, parse_spec
from tests.webapp.people import People, form_of, make_run, make_version
from webapp.accounts.models import Project, Scope
from webapp.accounts.tokens import issue_token
from webapp.audit.models import AuditEntry
from webapp.datasets.actions import create_dataset
from webapp.datasets.deleting import delete_version
from webapp.datasets.derived import ask_for
from webapp.datasets.deriving import derive_version
from webapp.datasets.models import DerivedKind, Upload, Version
from webapp.datasets.uploads import Announced, begin_upload, cancel_upload
from webapp.experiments.actions import launch_run
from webapp.experiments.models import AttemptRecord, Run
from webapp.experiments.resuming import resume_run
from webapp.quotas.limits import GB, HOUR
from webapp.quotas.measuring import count_work, note_folder
from webapp.quotas.models import ProjectQuota, StoredFolder
from webapp.quotas.room import QuotaExceededError, require_room, why_stop
from webapp.quotas.use import seconds_of_run, use_of

SPEC = parse_spec(get_preset("popularity").spec().model_dump(mode="json"))


def limit(project: Project, **values: float) -> None:
    ProjectQuota.objects.update_or_create(project=project, defaults=values)


def test_without_limits_one_query_is_all(people: People, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        require_room(people.project.pk, new_bytes=10**15, runs=10**6)


def test_a_projects_own_limit_goes_before_the_sites(people: People, version: Version, settings: Settings) -> None:
    settings.QUOTA_QUEUED_RUNS = 1
    launch_run(version, people.alice, SPEC)
    with pytest.raises(QuotaExceededError, match="1 of the 1 runs of the project that may wait are waiting"):
        launch_run(version, people.alice, SPEC)
    limit(people.project, queued_runs=2)
    launch_run(version, people.alice, SPEC)
    with pytest.raises(QuotaExceededError):
        launch_run(version, people.alice, SPEC)
    limit(people.project, queued_runs=0)
    launch_run(version, people.alice, SPEC)
    assert use_of(people.project.pk).queued_runs == 3


def test_a_full_disk_refuses_uploads_versions_archives_and_runs(people: People, version: Version) -> None:
    limit(people.project, disk_gb=1)
    note_folder("versions/x", people.project.pk, GB, version=version.pk)
    asks = {
        "run": lambda: launch_run(version, people.alice, SPEC),
        "version": lambda: derive_version(version, people.alice, FilterSpec(core=3)),
        "archive": lambda: ask_for(version, DerivedKind.CSV),
        "upload": lambda: begin_upload(people.project, people.alice, [Announced("interactions", "a.csv", 1)], name="New"),
    }
    for name, ask in asks.items():
        with pytest.raises(QuotaExceededError, match="of the 1,024 MB that it may store"):
            ask()
        assert not Upload.objects.exists(), name
    assert (Run.objects.count(), Version.objects.count()) == (0, 1)


def test_uploads_count_as_large_as_they_were_announced(people: People) -> None:
    limit(people.project, disk_gb=0.001)
    first = begin_upload(people.project, people.alice, [Announced("interactions", "a.csv", 600_000)], name="A")
    with pytest.raises(QuotaExceededError, match="would add 585"):
        begin_upload(people.project, people.alice, [Announced("interactions", "b.csv", 600_000)], name="B")
    cancel_upload(first)
    begin_upload(people.project, people.alice, [Announced("interactions", "b.csv", 600_000)], name="B")


def test_what_is_deleted_counts_no_more(people: People, version: Version) -> None:
    Version.objects.filter(pk=version.pk).update(storage_key="versions/a", upload_key="uploads/a")
    note_folder("versions/a", people.project.pk, 5, version=version.pk)
    note_folder("uploads/a", people.project.pk, 7, version=version.pk)
    run = make_run(version, "failed")
    note_folder("runs/a", people.project.pk, 11, run=run.pk)
    assert use_of(people.project.pk).disk == 23
    run.delete()
    assert use_of(people.project.pk).disk == 12
    version.refresh_from_db()
    delete_version(version, people.alice)
    assert use_of(people.project.pk).disk == 0
    assert not StoredFolder.objects.exists()


def test_hours_of_deleted_runs_stay_counted_and_other_months_do_not(people: People, version: Version) -> None:
    limit(people.project, month_hours=1)
    count_work(people.project.pk, HOUR - 60)
    launch_run(version, people.alice, SPEC)
    working = make_run(version, "running", started_at=timezone.now() - timedelta(minutes=2))
    assert use_of(people.project.pk).month_seconds > HOUR
    reason = why_stop(working.pk, people.project.pk)
    assert reason is not None
    assert "that it may take in a month" in reason.message
    with pytest.raises(QuotaExceededError, match="in a month"):
        launch_run(version, people.alice, SPEC)
    derive_version(version, people.alice, FilterSpec(core=3))  # takes no hours


def test_a_run_that_has_had_its_time_is_resumed_once_the_limit_is_higher(people: People, version: Version) -> None:
    run = make_run(version, "failed", attempt=2)
    now = timezone.now()
    for number in (1, 2):
        AttemptRecord.objects.create(run=run, number=number, started_at=now - timedelta(hours=1), ended_at=now)
    assert seconds_of_run(run.pk) == pytest.approx(2 * HOUR)
    limit(people.project, run_hours=2)
    with pytest.raises(QuotaExceededError, match="has had the 2 h 00 min of work"):
        resume_run(run, people.alice)
    limit(people.project, run_hours=3)
    resume_run(run, people.alice)
    assert run.state == "queued"


def test_a_group_is_refused_as_a_whole(people: People, version: Version, alice: Client) -> None:
    limit(people.project, queued_runs=2)
    answer = alice.post("/runs/new", {"version": version.pk, **form_of("popularity"), "launch_as": "seeds", "seeds": "0,1,2"})
    assert answer.status_code == 422
    assert "0 of the 2 runs of the project that may wait are waiting, and this would add 3" in answer.content.decode()
    assert not Run.objects.exists()


def test_rest_says_quota_exceeded(people: People, version: Version) -> None:
    limit(people.project, queued_runs=1)
    make_run(version)
    _, secret = issue_token(people.alice, "script", 1, Scope.LAUNCH)
    answer = Client().post(
        "/api/v1/runs",
        {"version": version.pk, "preset": "popularity"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "quota_exceeded")
    assert "1 of the 1 runs" in error["message"]
    assert error["hint"].startswith("Wait until")


def test_the_projects_page_shows_use_and_limit(people: People, bob: Client) -> None:
    limit(people.project, disk_gb=2, run_hours=1)
    note_folder("versions/a", people.project.pk, GB)
    text = bob.get(f"/projects/{people.project.pk}").content.decode()
    assert 'value="50"' in text
    assert "50 %" in text
    assert "1,024 MB" in text
    assert "2,048 MB" in text
    assert "no limit" in text
    assert "1 h 00 min" in text


def test_admins_of_the_site_set_limits_and_the_trail_says_so(people: People) -> None:
    root = User.objects.create_superuser("root", password="root-secret-1")
    client = Client()
    client.force_login(root)
    values: dict[str, Any] = {
        "project": people.project.pk,
        "disk_gb": "1.5",
        "queued_runs": "",
        "run_hours": "",
        "month_hours": "0",
    }
    assert client.post("/admin/quotas/projectquota/add/", values).status_code == 302
    quota = ProjectQuota.objects.get()
    assert (quota.disk_gb, quota.queued_runs, quota.month_hours) == (1.5, None, 0)
    entry = AuditEntry.objects.get(action="quota.changed")
    assert (entry.before, entry.after) == ({"disk_gb": None, "month_hours": None}, {"disk_gb": 1.5, "month_hours": 0})
    assert client.post("/admin/quotas/projectquota/add/", {**values, "disk_gb": "-1"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_once_one_is_refused(people: People) -> None:
    version = make_version(people)
    limit(people.project, queued_runs=1)
    asked, refused = threading.Event(), []

    def second() -> None:
        try:
            asked.set()
            launch_run(version, people.alice, SPEC)
        except QuotaExceededError as error:
            refused.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        launch_run(version, people.alice, SPEC)
        thread = threading.Thread(target=second)
        thread.start()
        assert asked.wait(10)
        thread.join(0.3)
        assert thread.is_alive(), "it waits for the first one's lock"
    thread.join(10)
    assert len(refused) == 1
    assert Run.objects.count() == 1


def test_a_new_dataset_costs_nothing(people: People) -> None:
    limit(people.project, disk_gb=1)
    create_dataset(people.project, people.alice, "Empty")
