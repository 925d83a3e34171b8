import pytest
from django.test import Client

from engine.errors import UserError
from tests.webapp.people import HOSTILE, People
from webapp.accounts.models import Membership, Project, Role
from webapp.accounts.personal import ensure_personal_project
from webapp.accounts.projects import change_role, create_project, describe_project, remove_member
from webapp.audit.models import AuditEntry


def test_whoever_makes_a_project_is_its_admin_and_alone_in_it(alice: Client, people: People) -> None:
    response = alice.post("/projects", {"name": f"  {HOSTILE}  ", "description": "for the films"}, follow=True)
    body = response.content.decode()
    project = Project.objects.get(description="for the films")
    assert project.name == HOSTILE
    assert "<script>alert" not in body
    assert "only you" in body
    assert project.memberships.get().role == Role.ADMIN
    assert AuditEntry.objects.get(action="project.created").object_id == project.pk
    assert alice.get("/").context["place"].project == project


def test_the_list_says_who_sees_what(alice: Client, people: People, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        body = alice.get("/projects").content.decode()
    assert "2 people" in body
    assert "your own" in body
    assert "Elsewhere" not in body


def test_a_project_without_a_name_is_refused(alice: Client) -> None:
    response = alice.post("/projects", {"name": "   "})
    assert response.status_code == 422
    assert "This field is required" in response.content.decode()


def test_strangers_see_no_project_and_members_no_buttons_of_admins(charlie: Client, bob: Client, people: People) -> None:
    address = f"/projects/{people.project.pk}"
    assert charlie.get(address).status_code == 404
    assert charlie.post(address, {"action": "invite"}).status_code == 404
    body = bob.get(address).content.decode()
    assert "alice" in body
    assert "Invite by link" not in body
    for action in ("describe", "invite", "revoke", "role", "remove"):
        assert bob.post(address, {"action": action}).status_code == 403, action


def test_admins_change_roles_and_remove(alice: Client, bob: Client, people: People) -> None:
    address, member = f"/projects/{people.project.pk}", people.bob.memberships.get(project=people.project)
    alice.post(address, {"action": "role", "member": member.pk, "role": "curator"})
    member.refresh_from_db()
    assert member.role == Role.CURATOR
    entry = AuditEntry.objects.get(action="member.role")
    assert (entry.before, entry.after) == ({"member": "bob", "role": "viewer"}, {"member": "bob", "role": "curator"})
    assert "no role" in alice.post(address, {"action": "role", "member": member.pk, "role": "king"}, follow=True).content.decode()
    alice.post(address, {"action": "remove", "member": member.pk})
    assert bob.get(address).status_code == 404
    assert alice.post(address, {"action": "remove", "member": member.pk}).status_code == 404


def test_a_member_may_leave(bob: Client, people: People) -> None:
    response = bob.post(f"/projects/{people.project.pk}", {"action": "leave"}, follow=True)
    assert "You have left Shop" in response.content.decode()
    assert not people.project.memberships.filter(user=people.bob).exists()


def test_an_admin_remains(alice: Client, people: People) -> None:
    only = people.alice.memberships.get(project=people.project)
    with pytest.raises(UserError, match="only admin of Shop"):
        remove_member(only, people.alice)
    with pytest.raises(UserError, match="only admin of Shop"):
        change_role(only, people.alice, Role.VIEWER)
    body = alice.post(f"/projects/{people.project.pk}", {"action": "leave"}, follow=True).content.decode()
    assert "only admin of Shop" in body
    Membership.objects.filter(user=people.bob).update(role=Role.ADMIN)
    remove_member(only, people.alice)


def test_the_owner_stays_in_a_personal_project(people: People) -> None:
    project = ensure_personal_project(people.alice)
    Membership.objects.create(project=project, user=people.bob, role=Role.ADMIN)
    with pytest.raises(UserError, match="own project"):
        remove_member(project.memberships.get(user=people.alice), people.bob)


def test_what_is_described_is_audited_and_nothing_is_not(people: People) -> None:
    project = create_project(people.alice, "Films")
    describe_project(project, people.alice, "Films", "")
    assert not AuditEntry.objects.filter(action="project.described").exists()
    describe_project(project, people.alice, "Films and series", "")
    entry = AuditEntry.objects.get(action="project.described")
    assert (entry.before, entry.after) == ({"name": "Films"}, {"name": "Films and series"})
