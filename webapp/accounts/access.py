"""Who may see and do what. Objects are reached only through ``get_*_for_user``; what a user may not see is answered 404."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from webapp.accounts.models import Membership, Project, Role
from webapp.http import PageRequest
from webapp.notices.reading import unread_in_project

_SESSION_KEY = "project"


@dataclass(frozen=True)
class Place:
    """Where a signed-in user is: the current project, the role there, all projects to switch to, and unread notices."""

    project: Project
    role: Role
    projects: list[Project]
    unread: int = 0

    def may(self, role: Role) -> bool:
        """Whether the user's role is ``role`` or higher."""
        return self.role.level >= role.level

    @property
    def may_curate(self) -> bool:
        """May edit data, review versions and read the audit trail."""
        return self.may(Role.CURATOR)

    @property
    def may_launch(self) -> bool:
        """May upload data, launch and cancel runs."""
        return self.may(Role.RESEARCHER)


def find_place(request: HttpRequest) -> Place | None:
    """The current place of the request's user, None if they are in no project (or not signed in)."""
    cached = getattr(request, "_place", None)
    if cached is None and request.user.is_authenticated:
        cached = _look_up(request.user, request.session.get(_SESSION_KEY))
        request._place = cached  # type: ignore[attr-defined]
    return cached


def get_place(request: PageRequest) -> Place:
    """``find_place``, where a page needs one; PermissionDenied for a user without a project."""
    place = find_place(request)
    if place is None:
        raise PermissionDenied("You are in no project yet. Ask an admin to make you a member of one.")
    return place


def enter_project(request: PageRequest, project: Project) -> Place:
    """Make ``project`` the current one: switching to it, or following a link to something in it."""
    if request.session.get(_SESSION_KEY) != project.pk:
        request.session[_SESSION_KEY] = project.pk
        request._place = None  # type: ignore[attr-defined]
    return get_place(request)


def get_project_for_user(user: User, pk: int) -> Project:
    """A project that the user is a member of, or 404."""
    try:
        return Project.objects.get(pk=pk, memberships__user=user)
    except Project.DoesNotExist:
        raise Http404("There is no such project, or it is not yours.") from None


def role_of(user: User, project: Project) -> Role | None:
    """The user's role in the project, None for an outsider."""
    found = Membership.objects.filter(user=user, project=project).values_list("role", flat=True).first()
    return Role(found) if found else None


def require_role(user: User, project: Project, role: Role) -> None:
    """PermissionDenied, in a plain sentence, unless the user's role in the project is ``role`` or higher."""
    held = role_of(user, project)
    if held is None or held.level < role.level:
        raise PermissionDenied(
            f"This needs the role {role.value} in the project {project.name}; you are {held.value if held else 'no member'}. "
            "Ask an admin of the project."
        )


def _look_up(user: User, wanted: int | None) -> Place | None:
    # Counted here, so that the bell of every page costs no query of its own.
    known = Membership.objects.filter(user=user).annotate(unread=unread_in_project())
    memberships = list(known.select_related("project").order_by("pk"))
    if not memberships:
        return None
    current = next((membership for membership in memberships if membership.project_id == wanted), memberships[0])
    unread = sum(membership.unread for membership in memberships)
    return Place(current.project, Role(current.role), [membership.project for membership in memberships], unread)
