import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone

from tests.workers.fixtures import Dataset, Version, storage_root
from webapp.accounts.models import IdempotentRequest
from webapp.accounts.tokens import issue_token
from webapp.comparing.models import RunComparison
from webapp.datasets.models import Derived, Question, Upload
from webapp.datasets.uploads import cancel_upload
from webapp.fleet.models import Echo, WorkerNode
from webapp.notices.models import KEPT_DAYS, Notice
from workers.sweep import sweep


@pytest.fixture(autouse=True)
def _no_folders(database: None) -> None:
    assert sweep() is not None


def make_folder(key: str, days: float) -> Path:
    folder = storage_root() / key
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_text("x")
    then = time.time() - days * 86400
    for path in (folder / "inner" / "file", folder / "inner", folder):
        os.utime(path, (then, then))
    return folder


def test_old_folders_that_no_version_names_are_removed(version: Version) -> None:
    kept = [make_folder("uploads/named", 3), make_folder("uploads/new", 0.5), make_folder("versions/new", 0.5)]
    gone = [make_folder("uploads/old", 3), make_folder("versions/old", 3), make_folder("scratch/old", 3)]
    version.upload_key = "uploads/named"
    version.save()
    assert set(sweep()) >= {"uploads/old", "versions/old", "scratch/old"}
    assert all(folder.exists() for folder in kept)
    assert not any(folder.exists() for folder in gone)
    assert (storage_root() / version.storage_key).exists()
    for folder in kept:
        (folder / "inner" / "file").unlink()
        (folder / "inner").rmdir()
        folder.rmdir()


def test_an_old_folder_with_a_new_file_is_kept() -> None:
    folder = make_folder("uploads/growing", 3)
    (folder / "inner" / "file").touch()
    assert "uploads/growing" not in sweep()
    assert folder.exists()


def test_questions_are_kept_for_a_day(version: Version) -> None:
    old, new = (Question.objects.create(version=version, kind="preview") for _ in range(2))
    Question.objects.filter(pk=old.pk).update(asked_at=timezone.now() - timedelta(days=2))
    sweep()
    assert list(Question.objects.all()) == [new]


def test_comparisons_are_kept_for_a_month() -> None:
    now = timezone.now()
    for key, days in (("old", 31), ("new", 29)):
        RunComparison.objects.create(key=key, metric="ndcg@10", runs=[1, 2], asked_at=now - timedelta(days=days))
    sweep()
    assert [row.key for row in RunComparison.objects.all()] == ["new"]


def test_expired_sessions_are_cleared() -> None:
    now = timezone.now()
    for key, expires in (("old", now - timedelta(days=1)), ("new", now + timedelta(days=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=expires)
    sweep()
    assert [session.session_key for session in Session.objects.all()] == ["new"]


def test_old_archives_that_nothing_names_are_removed(version: Version) -> None:
    kept, gone = make_folder("exports/named", 3), make_folder("exports/old", 3)
    derived = Derived.objects.create(version=version, kind="csv", asked_at=timezone.now(), storage_key="exports/named")
    assert "exports/old" in sweep()
    assert kept.exists()
    assert not gone.exists()
    derived.delete()
    assert "exports/named" in sweep()


def test_uploads_that_were_given_up_are_removed(dataset: Dataset) -> None:
    user = User.objects.create_user("alice")
    uploads = {}
    for name, days in (("old", 3.0), ("silent", 3.0), ("growing", 0.5)):
        upload = Upload.objects.create(project=dataset.project, name=name, created_by=user)
        Upload.objects.filter(pk=upload.pk).update(created_at=timezone.now() - timedelta(days=3))
        uploads[name] = upload
        if name != "silent":
            make_folder(upload.folder, days)
    assert {uploads["old"].folder, uploads["silent"].folder} <= set(sweep())
    assert [upload.name for upload in Upload.objects.all()] == ["growing"]
    assert (storage_root() / uploads["growing"].folder).exists()
    assert not (storage_root() / uploads["old"].folder).exists()
    cancel_upload(uploads["growing"])


def test_old_notices_and_workers_long_silent_go(database: None) -> None:
    user, now = User.objects.create(username="somebody"), timezone.now()
    for days in (KEPT_DAYS - 1, KEPT_DAYS + 1):
        notice = Notice.objects.create(user=user, subject="run", outcome="failed", title=f"{days} days old")
        Notice.objects.filter(pk=notice.pk).update(created_at=now - timedelta(days=days))
    for hours in (23, 25):
        heard = now - timedelta(hours=hours)
        WorkerNode.objects.create(name=f"host:{hours}", host="host", pid=hours, started_at=heard, heartbeat_at=heard)
    sweep()
    assert [notice.title for notice in Notice.objects.all()] == [f"{KEPT_DAYS - 1} days old"]
    assert [node.pid for node in WorkerNode.objects.all()] == [23]


def test_answers_to_repeated_requests_and_echoes_are_kept_for_a_day() -> None:
    user = User.objects.create(username="script")
    token, _ = issue_token(user, "script", None)
    rows = [IdempotentRequest.objects.create(token=token, key=key, request_hash="0" * 64, status=201) for key in ("old", "new")]
    old, new = Echo.objects.create(), Echo.objects.create()
    then = timezone.now() - timedelta(days=1, minutes=1)
    IdempotentRequest.objects.filter(pk=rows[0].pk).update(created_at=then)
    Echo.objects.filter(pk=old.pk).update(asked_at=then)
    sweep()
    assert [row.key for row in IdempotentRequest.objects.all()] == ["new"]
    assert [echo.pk for echo in Echo.objects.all()] == [new.pk]
