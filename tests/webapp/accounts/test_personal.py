from django.contrib.auth.models import User
from django.test import Client

from tests.webapp.people import People
from webapp.accounts.models import Membership, Project, Role
from webapp.accounts.personal import ensure_personal_project


def test_a_project_of_ones_own_exists_from_the_first_sign_in(db: None) -> None:
    dora = User.objects.create_user("dora", password="dora-secret-1")
    client = Client()
    assert not Membership.objects.filter(user=dora).exists()
    client.post("/login", {"username": "dora", "password": "dora-secret-1"})
    project = Project.objects.get(personal_of=dora)
    assert project.memberships.get().role == Role.ADMIN
    body = client.get("/").content.decode()
    assert "dora&#x27;s project" in body
    assert "only you" in body
    assert "Upload one" in body


def test_it_is_made_once(people: People) -> None:
    people.client("alice")
    assert ensure_personal_project(people.alice) == ensure_personal_project(people.alice)
    people.client("alice")
    assert Project.objects.filter(personal_of=people.alice).count() == 1


def test_people_of_the_same_name_have_slugs_of_their_own(db: None) -> None:
    first, second = (User.objects.create_user(name) for name in ("a.b", "a-b"))
    assert ensure_personal_project(first).slug != ensure_personal_project(second).slug
