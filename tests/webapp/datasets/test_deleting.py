import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from engine.errors import UserError
from engine.search.presets import search_presets
from tests.webapp.datasets.test_leakage import SERIOUS, address
from tests.webapp.people import People, make_run, make_version
from webapp.audit.models import AuditEntry
from webapp.datasets.deleting import delete_version
from webapp.datasets.derived import ask_for
from webapp.datasets.models import Derived, DerivedKind, Version
from webapp.experiments.models import Run
from webapp.searches.models import Search


def stored(people: People, **values: object) -> Version:
    for name in ("uploads/u/interactions.csv", "versions/v/items.parquet", "exports/e/data.zip"):
        default_storage.save(name, ContentFile(b"x"))
    known = {"upload_key": "uploads/u", "storage_key": "versions/v", "leakage": SERIOUS}
    version = make_version(people, **{**known, **values})
    ask_for(version, DerivedKind.CSV)
    Derived.objects.update(state="ready", storage_key="exports/e")
    return version


def left() -> list[str]:
    places = {"uploads": "u/interactions.csv", "versions": "v/items.parquet", "exports": "e/data.zip"}
    return [place for place, name in places.items() if default_storage.exists(f"{place}/{name}")]


def test_the_disk_is_freed_and_an_entry_is_left(
    people: People, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    version = stored(people)
    run = make_run(version, "succeeded")
    with django_capture_on_commit_callbacks(execute=True):
        delete_version(version, people.alice)
    assert left() == []
    assert (version.state, version.storage_key, version.deleted_by) == ("deleted", "", people.alice)
    assert version.deleted_at is not None
    assert not Derived.objects.exists()
    entry = AuditEntry.objects.get(action="version.deleted")
    assert (entry.username, entry.object_name, entry.before["state"]) == ("alice", "Beauty v1", "ready")
    assert Run.objects.get() == run
    with pytest.raises(UserError, match="deleted already"):
        delete_version(version, people.alice)


def test_an_upload_that_another_version_names_stays(
    people: People, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    version = stored(people)
    make_version(people, upload_key="uploads/u")
    with django_capture_on_commit_callbacks(execute=True):
        delete_version(version, people.alice)
    assert left() == ["uploads"]


def test_a_version_that_is_being_made_from_it(people: People) -> None:
    version = stored(people)
    child = make_version(people, state="queued", parent=version)
    with pytest.raises(UserError, match=rf"is needed by {child}\."):
        delete_version(version, people.alice)


@pytest.mark.parametrize("state", ["queued", "running", "cancelling"])
def test_a_run_that_needs_it(people: People, state: str) -> None:
    version = stored(people)
    run = make_run(version, state)
    with pytest.raises(UserError, match=rf"is needed by {run}\."):
        delete_version(version, people.alice)
    assert left() == ["uploads", "versions", "exports"]
    version.refresh_from_db()
    assert version.state == "ready"


def test_a_search_that_needs_it(people: People) -> None:
    version = stored(people)
    plan = search_presets().get("search-nano").plan().model_dump(mode="json")
    search = Search.objects.create(project=people.project, number=1, version=version, plan=plan, at_once=2, state="paused")
    with pytest.raises(UserError, match=f"is needed by {search}"):
        delete_version(version, people.alice)


def test_not_while_it_is_read(people: People) -> None:
    with pytest.raises(UserError, match="is being read"):
        delete_version(make_version(people, state="ingesting"), people.alice)


def test_only_curators(people: People, version: Version) -> None:
    for role in ("viewer", "researcher"):
        client = people.client("bob", role)
        assert "Delete this version" not in client.get(address(version)).content.decode()
        assert client.post(address(version, "/delete")).status_code == 403
        with pytest.raises(PermissionDenied):
            delete_version(version, people.bob)
    assert people.client("bob", "curator").post(address(version, "/delete")).status_code == 302
    version.refresh_from_db()
    assert version.state == "deleted"


def test_the_page_of_a_deleted_version(alice: Client, people: People, charlie: Client) -> None:
    version = stored(people)
    assert charlie.post(address(version, "/delete")).status_code == 404
    body = alice.post(address(version, "/delete"), follow=True).content.decode()
    assert "is deleted." in body
    assert "deleted by alice" in body
    assert "/runs/new?version=" not in body
    assert "Download as" not in body
    assert "deleted" in alice.get(f"/datasets/{version.dataset_id}").content.decode()


def test_a_refusal_is_shown(alice: Client, people: People) -> None:
    version = stored(people)
    run = make_run(version, "running")
    assert f"is needed by {run}" in alice.post(address(version, "/delete"), follow=True).content.decode()
