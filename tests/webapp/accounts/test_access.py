import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client

from tests.webapp.people import People, make_run
from webapp.accounts.access import get_project_for_user, require_role
from webapp.accounts.actions import ensure_account
from webapp.accounts.models import Membership, Project, Role
from webapp.datasets.access import get_dataset_for_user, get_numbered_version_for_user, get_version_for_user
from webapp.datasets.models import Version
from webapp.experiments.access import get_run_for_user


def test_roles_rise() -> None:
    assert [role.level for role in Role] == [0, 1, 2, 3]
    assert list(Role) == [Role.VIEWER, Role.RESEARCHER, Role.CURATOR, Role.ADMIN]


@pytest.mark.parametrize(("held", "enough"), [("viewer", False), ("researcher", True), ("curator", True), ("admin", True)])
def test_each_role_may_what_those_below_it_may(people: People, held: str, enough: bool) -> None:
    people.bob.memberships.update(role=held)
    if enough:
        require_role(people.bob, people.project, Role.RESEARCHER)
        return
    with pytest.raises(PermissionDenied, match="needs the role researcher in the project Shop; you are viewer"):
        require_role(people.bob, people.project, Role.RESEARCHER)


def test_helpers_give_members_the_object_and_others_404(people: People, version: Version) -> None:
    run = make_run(version)
    for user in (people.alice, people.bob):
        assert get_project_for_user(user, people.project.pk) == people.project
        assert get_dataset_for_user(user, version.dataset_id) == version.dataset
        assert get_version_for_user(user, version.pk) == version
        assert get_numbered_version_for_user(user, version.dataset_id, version.number) == version
        assert get_run_for_user(user, run.pk) == run
    for helper, pk in (
        (get_project_for_user, people.project.pk),
        (get_dataset_for_user, version.dataset_id),
        (get_version_for_user, version.pk),
        (get_run_for_user, run.pk),
        (get_run_for_user, 10**30),
    ):
        with pytest.raises(Http404):
            helper(people.charlie, pk)
    with pytest.raises(Http404):
        get_numbered_version_for_user(people.charlie, version.dataset_id, version.number)


def test_project_switch_changes_what_lists_show(alice: Client, people: People, version: Version) -> None:
    other = Project.objects.create(name="Films", slug="films")
    Membership.objects.create(project=other, user=people.alice, role=Role.VIEWER)
    assert "Beauty" in alice.get("/datasets").content.decode()
    assert alice.post("/project", {"project": str(other.pk)}).status_code == 302
    assert "Beauty" not in alice.get("/datasets").content.decode()
    assert alice.get("/datasets/new").status_code == 403


def test_following_a_link_enters_its_project(alice: Client, people: People, version: Version) -> None:
    other = Project.objects.create(name="Films", slug="films")
    Membership.objects.create(project=other, user=people.alice, role=Role.VIEWER)
    alice.post("/project", {"project": str(other.pk)})
    assert alice.get(f"/datasets/{version.dataset_id}").status_code == 200
    assert "Beauty" in alice.get("/datasets").content.decode()


@pytest.mark.parametrize("wanted", ["0", "", "x", "999999"])
def test_switching_to_a_project_of_others_is_404(charlie: Client, people: People, wanted: str) -> None:
    assert charlie.post("/project", {"project": wanted}).status_code == 404
    assert charlie.post("/project", {"project": str(people.project.pk)}).status_code == 404


def test_ensure_account_may_be_repeated(people: People) -> None:
    again = ensure_account("bob", "another-secret-1", "Shop", "researcher")
    assert again == people.bob
    assert again.check_password("another-secret-1")
    assert Membership.objects.get(user=again, project=people.project).role == Role.RESEARCHER
    assert not again.is_staff


def test_a_lower_role_elsewhere_takes_nothing_away(people: People) -> None:
    alice = ensure_account("alice", "alice-secret-1", "Films", "viewer")
    assert alice.is_staff
    assert alice.memberships.count() == 2
