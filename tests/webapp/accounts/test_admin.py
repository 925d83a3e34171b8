from django.test import Client

from tests.webapp.people import People, finish, make_run
from webapp.accounts.models import ApiToken
from webapp.accounts.tokens import issue_token
from webapp.audit.models import AuditEntry
from webapp.datasets.models import Version


def test_admin_pages_open_and_never_show_the_digest(alice: Client, people: People, version: Version) -> None:
    run = finish(make_run(version))
    token, _ = issue_token(people.alice, "sweep", None)
    pages = {
        "accounts/project": people.project.pk,
        "accounts/membership": people.alice.memberships.get(project=people.project).pk,
        "accounts/apitoken": token.pk,
        "datasets/dataset": version.dataset_id,
        "datasets/version": version.pk,
        "experiments/run": run.pk,
    }
    for path, pk in pages.items():
        for address in (f"/admin/{path}/", f"/admin/{path}/{pk}/change/"):
            response = alice.get(address)
            assert response.status_code == 200, address
            assert token.digest not in response.content.decode()


def test_runs_and_versions_are_not_typed_in_or_deleted(alice: Client, version: Version) -> None:
    run = make_run(version)
    assert alice.get("/admin/experiments/run/add/").status_code == 403
    assert alice.post(f"/admin/experiments/run/{run.pk}/delete/").status_code == 403
    assert alice.post(f"/admin/datasets/version/{version.pk}/delete/").status_code == 403


def test_tokens_are_revoked_there(alice: Client, people: People) -> None:
    token, _ = issue_token(people.bob, "lost laptop", None)
    alice.post("/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [str(token.pk)]})
    assert ApiToken.objects.get(pk=token.pk).revoked_at is not None


def test_only_staff_enters(bob: Client) -> None:
    assert bob.get("/admin/").status_code == 302


def test_changed_roles_are_in_the_audit_trail(alice: Client, people: People) -> None:
    bob = people.bob.memberships.get()
    alice.post(f"/admin/accounts/membership/{bob.pk}/change/", {"role": "curator"})
    of_project = {
        "name": "Shop",
        "slug": "shop",
        "description": "",
        "memberships-TOTAL_FORMS": "3",
        "memberships-INITIAL_FORMS": "2",
    }
    alices = people.alice.memberships.get(project=people.project)
    rows = [(alices, "admin", {}), (bob, "viewer", {"DELETE": "on"})]
    for place, (membership, role, more) in enumerate(rows):
        values = {"id": membership.pk, "project": people.project.pk, "user": membership.user_id, "role": role, **more}
        of_project |= {f"memberships-{place}-{name}": str(value) for name, value in values.items()}
    of_project |= {"memberships-2-user": str(people.charlie.pk), "memberships-2-role": "viewer"}
    assert alice.post(f"/admin/accounts/project/{people.project.pk}/change/", of_project).status_code == 302
    alice.post(f"/admin/accounts/membership/{people.charlie.memberships.get(project=people.project).pk}/delete/", {"post": "yes"})
    entries = AuditEntry.objects.filter(project_id=people.project.pk).order_by("pk")
    assert [(entry.action, (entry.after or entry.before or {})["member"]) for entry in entries] == [
        ("member.role", "bob"),
        ("member.removed", "bob"),
        ("member.joined", "charlie"),
        ("member.removed", "charlie"),
    ]
    assert {entry.username for entry in entries} == {"alice"}


def test_projects_are_not_deleted_there(alice: Client, people: People) -> None:
    assert alice.post(f"/admin/accounts/project/{people.project.pk}/delete/", {"post": "yes"}).status_code == 403
