from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from engine.errors import UserError
from tests.webapp.datasets.test_leakage import address
from tests.webapp.people import HOSTILE, People, make_version
from webapp.datasets.derived import ask_for, find_derived
from webapp.datasets.models import Derived, DerivedKind, Version

IDS: dict[str, Any] = {"count": 0, "samples": []}
DIFFERENCE: dict[str, Any] = {
    "before": "a" * 64,
    "after": "b" * 64,
    "counts_before": {"users": 5, "items": 6, "interactions": 1700},
    "counts_after": {"users": 5, "items": 7, "interactions": 1600},
    "users_gone": IDS,
    "users_new": IDS,
    "items_gone": {"count": 21, "samples": [HOSTILE]},
    "items_new": IDS,
    "interactions_gone": {"count": 1, "samples": [{"user": "u9", "item": "i9", "timestamp": 1234, "weight": 2.5, "times": 1}]},
    "interactions_new": IDS,
    "columns_gone": ["brand"],
    "columns_new": [],
    "changes": [{"column": "title", "count": 1, "samples": [{"item": "i1", "before": "Old", "after": "New"}]}],
    "filters": [{"name": "k-core", "before": None, "after": {"core": 5}}],
}


def test_a_worker_is_asked_once(version: Version, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        first = ask_for(version, DerivedKind.CSV)
        assert ask_for(version, DerivedKind.CSV) == first
        assert find_derived(version, DerivedKind.CSV) == first
    assert len(callbacks) == 1
    Derived.objects.update(asked_at=timezone.now() - timedelta(seconds=61))
    with django_capture_on_commit_callbacks() as callbacks:
        find_derived(version, DerivedKind.CSV)
        find_derived(version, DerivedKind.CSV)
    assert len(callbacks) == 1


def test_what_failed_is_tried_again_when_asked(
    version: Version, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    derived = ask_for(version, DerivedKind.CSV)
    Derived.objects.update(state="failed", error="no memory")
    with django_capture_on_commit_callbacks() as callbacks:
        assert ask_for(version, DerivedKind.CSV).state == "queued"
    assert len(callbacks) == 1
    derived.refresh_from_db()
    assert derived.error == ""


def test_only_ready_versions_of_one_dataset(people: People, version: Version) -> None:
    with pytest.raises(UserError, match="is queued, not ready"):
        ask_for(make_version(people, state="queued"), DerivedKind.CSV)
    with pytest.raises(UserError, match="of another dataset"):
        ask_for(version, DerivedKind.DIFFERENCE, make_version(people, "Other"))


def test_a_download_from_the_button_to_the_file(bob: Client, version: Version) -> None:
    page = address(version, "/download/recbole")
    assert page in bob.get(address(version)).content.decode()
    assert "has not been made yet" in bob.get(page).content.decode()
    assert bob.get(page + "/file").status_code == 404
    bob.post(page)
    waiting = bob.get(page)
    assert "Waiting for a worker" in waiting.content.decode()
    assert bob.get(page, headers={"HX-Request": "true"}).status_code == 200
    default_storage.save("exports/x/data.zip", ContentFile(b"zipped"))
    lost = {"lost": [f"Gone: {HOSTILE}"]}
    Derived.objects.update(state="ready", storage_key="exports/x", file_name="Béauty-v1.recbole.zip", size=6, result=lost)
    ready = bob.get(page, headers={"HX-Request": "true"})
    assert ready.status_code == 286
    assert "6 B" in ready.content.decode()
    assert "<script>alert" not in ready.content.decode()
    file = bob.get(page + "/file")
    assert b"".join(file.streaming_content) == b"zipped"  # type: ignore[arg-type]
    assert file["Content-Disposition"].startswith("attachment; filename")


def test_a_failure_says_why_and_offers_another_try(bob: Client, version: Version) -> None:
    ask_for(version, DerivedKind.CSV)
    Derived.objects.update(state="failed", error="It took too much memory.", hint="Ask again.")
    body = bob.get(address(version, "/download/csv")).content.decode()
    assert body.index("It took too much memory.") < body.index("Ask again.") < body.index("Try again")


def test_a_difference(bob: Client, people: People, version: Version) -> None:
    later = make_version(people)
    page = address(version, f"/compare?with={later.number}")
    assert f"v{later.number}</option>" in bob.get(address(version)).content.decode()
    assert "not been compared yet" in bob.get(page).content.decode()
    bob.post(page)
    assert Derived.objects.get().other == later
    assert f"compare?with={later.number}" in bob.get(page).content.decode()
    Derived.objects.update(state="ready", result=DIFFERENCE)
    body = bob.get(page).content.decode()
    for text in (
        "1,700",
        "1,600",
        "1 of 21 shown",
        "u9",
        "2.5",
        "Changed: title",
        "Old",
        "New",
        "k core",
        "core 5",
        "brand: only in",
    ):
        assert text in body, text
    assert "<script>alert" not in body


@pytest.mark.parametrize("page", ["/download/xlsx", "/compare?with=99", "/compare?with=x", "/compare"])
def test_what_is_not_there(bob: Client, version: Version, page: str) -> None:
    assert bob.get(address(version, page)).status_code == 404


@pytest.mark.parametrize("page", ["/download/csv", "/download/csv/file", "/compare?with=1", "/leakage"])
def test_charlie_gets_404(charlie: Client, version: Version, page: str) -> None:
    assert charlie.get(address(version, page)).status_code == 404
    if not page.endswith("/file"):
        assert charlie.post(address(version, page)).status_code == 404
    assert not Derived.objects.exists()


def test_the_parent_and_what_changed(bob: Client, people: People) -> None:
    parent = make_version(people, hash="cd" * 32)
    version = make_version(people, manifest={"parent": "cd" * 32})
    body = bob.get(address(version)).content.decode()
    assert f"{address(parent, '/compare')}?with={version.number}" in body
    assert "cdcdcdcdcd" in body
