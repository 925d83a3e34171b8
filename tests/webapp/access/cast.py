"""The people of the access matrix.

Everybody is admin of a project elsewhere besides: what they may do there must not help here.
"""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils.text import slugify

from tests.webapp.people import HOSTILE, People
from tests.webapp.whole import Whole, plant_all
from webapp.accounts.models import Membership, Project, Role
from webapp.accounts.personal import ensure_personal_project

ANONYMOUS, STRANGER, STAFF = "anonymous", "stranger", "staff"
MEMBERS = {
    "viewer": Role.VIEWER,
    "researcher": Role.RESEARCHER,
    "creator": Role.RESEARCHER,
    "curator": Role.CURATOR,
    "admin": Role.ADMIN,
    "owner": Role.ADMIN,
}
"""Members of the project, by their role there. The creator is a researcher who made all that is there; the owner's it is."""
OUTSIDERS = (ANONYMOUS, STRANGER, STAFF)
COLUMNS = (ANONYMOUS, STRANGER, *MEMBERS, STAFF)
"""Stranger: of another project. Staff: a superuser of the site, who is no member."""


@dataclass
class Cast:
    """Everybody, with their sessions; and the project, with one of everything in it."""

    users: dict[str, User]
    project: Project
    whole: Whole
    sessions: dict[str, str]

    def client(self, name: str, *, here: bool) -> Client:
        """A new client in the session of ``name``; ``here``: whose current project is this one, else the one elsewhere."""
        client = Client(raise_request_exception=False)
        if name != ANONYMOUS:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[name if not here else f"{name} here"]
        return client


def gather(title: str = HOSTILE) -> Cast:
    """Make them all, and plant everything that a project can hold."""
    users = {name: User.objects.create_user(name) for name in COLUMNS if name != ANONYMOUS}
    User.objects.filter(pk=users[STAFF].pk).update(is_staff=True, is_superuser=True)
    project = ensure_personal_project(users["owner"])
    for name, role in MEMBERS.items():
        Membership.objects.update_or_create(user=users[name], project=project, defaults={"role": role})
    # To plant takes more than a researcher may.
    Membership.objects.filter(user=users["creator"], project=project).update(role=Role.ADMIN)
    whole = plant_all(People(users["creator"], users["viewer"], users[STRANGER], project), title)
    Membership.objects.filter(user=users["creator"], project=project).update(role=Role.RESEARCHER)
    cast = Cast(users, project, whole, {})
    for name, user in users.items():
        cast.sessions[name] = _session(user, _elsewhere(user))
        cast.sessions[f"{name} here"] = _session(user, project)
    return cast


def _elsewhere(user: User) -> Project:
    project = Project.objects.create(name=f"Elsewhere of {user}", slug=slugify(f"elsewhere-{user}"))
    Membership.objects.create(user=user, project=project, role=Role.ADMIN)
    return project


def _session(user: User, project: Project) -> str:
    client = Client()
    client.force_login(user)
    session = client.session
    session["project"] = project.pk
    session.save()
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)
