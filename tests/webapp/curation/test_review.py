from typing import Any

import pytest
from django.test import Client

from engine.errors import DataError
from tests.webapp.people import HOSTILE, People, make_version
from webapp.audit.models import AuditEntry
from webapp.curation.review import review_version
from webapp.datasets.access import ready_versions
from webapp.datasets.models import Review, Version


def address(version: Version) -> str:
    return f"/datasets/{version.dataset_id}/versions/{version.number}"


def post(client: Client, version: Version, review: str, reason: str = "") -> Any:
    return client.post(f"{address(version)}/review", {"review": review, "reason": reason}, follow=True)


def state(version: Version) -> str:
    version.refresh_from_db()
    return version.review


def test_from_submission_to_approval(people: People, alice: Client, version: Version) -> None:
    researcher = people.client("bob", "researcher")
    post(researcher, version, "submitted", f"please {HOSTILE}")
    assert state(version) == "submitted"
    assert version.reviewed_by == people.bob
    body = alice.get("/datasets/review").content.decode()
    assert "Beauty v1" in body
    assert "<script>alert" not in body
    assert "Review queue (1)" in alice.get("/datasets").content.decode()
    post(alice, version, "approved")
    assert (state(version), version.reviewed_by, version.review_reason) == ("approved", people.alice, "")
    assert "No version waits" in alice.get("/datasets/review").content.decode()
    body = researcher.get(address(version)).content.decode()
    assert "approved" in body
    assert 'value="rejected"' not in body
    entries = list(AuditEntry.objects.values_list("action", "username", "after__review"))
    assert entries == [("version.reviewed", "alice", "approved"), ("version.reviewed", "bob", "submitted")][::-1]


def test_a_rejection_needs_a_reason_and_shows_it(alice: Client, version: Version) -> None:
    post(alice, version, "submitted")
    assert "A rejection needs a reason" in post(alice, version, "rejected", " ").content.decode()
    assert state(version) == "submitted"
    body = post(alice, version, "rejected", f"no titles {HOSTILE}").content.decode()
    assert state(version) == "rejected"
    assert "no titles" in body
    assert "<script>alert" not in body


def test_archived_versions_are_not_offered_to_runs(alice: Client, people: People, version: Version) -> None:
    other = make_version(people)
    post(alice, version, "archived")
    assert list(ready_versions(people.project)) == [other]
    assert f'value="{version.pk}"' not in alice.get("/runs/new").content.decode()
    post(alice, version, "")
    assert list(ready_versions(people.project)) == [other, version]


@pytest.mark.parametrize(
    ("role", "review", "allowed"),
    [
        ("viewer", "submitted", False),
        ("researcher", "submitted", True),
        ("researcher", "approved", False),
        ("researcher", "archived", False),
        ("curator", "approved", True),
        ("curator", "archived", True),
    ],
)
def test_each_step_has_its_role(people: People, version: Version, role: str, review: str, allowed: bool) -> None:
    response = post(people.client("bob", role), version, review)
    assert response.status_code == (200 if allowed else 403)
    assert state(version) == (review if allowed else "")


def test_what_cannot_follow_is_refused(alice: Client, people: People, version: Version) -> None:
    post(alice, version, "approved")
    assert "it cannot become submitted" in post(alice, version, "submitted").content.decode()
    assert post(alice, version, "praised").status_code == 404
    failed = make_version(people, state="failed")
    with pytest.raises(DataError, match="is not ready"):
        review_version(failed, people.alice, Review.APPROVED)
    with pytest.raises(DataError, match="At most 2,000"):
        review_version(version, people.alice, Review.REJECTED, "x" * 2001)


def test_strangers_and_viewers(bob: Client, charlie: Client, version: Version) -> None:
    assert post(charlie, version, "approved").status_code == 404
    assert bob.get("/datasets/review").status_code == 403
    Version.objects.update(review="submitted")
    assert "Beauty" not in charlie.get("/datasets/review").content.decode()
