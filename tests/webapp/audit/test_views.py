from django.test import Client

from tests.webapp.people import HOSTILE, People
from webapp.audit.models import AuditEntry
from webapp.datasets.actions import create_dataset


def test_curators_read_what_happened_in_their_project(alice: Client, people: People) -> None:
    create_dataset(people.project, people.alice, HOSTILE)
    games = create_dataset(people.project, people.alice, "Games")
    create_dataset(people.charlie.projects.get(), people.charlie, "Secret")
    body = alice.get("/audit").content.decode()
    for text in ("dataset.created", "Games", "alice", "{{ 7*7 }}", "of 2</span>"):
        assert text in body, text
    assert "Secret" not in body
    assert "<script>alert" not in body
    one = alice.get(f"/audit?of=dataset&id={games.pk}").content.decode()
    assert "of 1</span>" in one
    assert "Nothing was changed yet" in alice.get("/audit?of=run%00&id=1").content.decode()


def test_roles(bob: Client, people: People) -> None:
    assert bob.get("/audit").status_code == 403
    assert people.client("bob", "curator").get("/audit").status_code == 200


def test_nothing_can_be_changed_in_the_admin_pages(alice: Client, people: People) -> None:
    create_dataset(people.project, people.alice, "Games")
    entry = AuditEntry.objects.get()
    page = f"/admin/audit/auditentry/{entry.pk}"
    assert alice.get("/admin/audit/auditentry/").status_code == 200
    assert alice.get(f"{page}/change/").status_code == 200
    assert alice.post(f"{page}/change/", {"username": "eve"}).status_code == 403
    assert alice.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    assert alice.get("/admin/audit/auditentry/add/").status_code == 403
