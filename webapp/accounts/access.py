"""Who may see and do what. Objects are reached only through ``get_*_for_user``; what a user may not see is answered 404."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest

from webapp.accounts.models import Membership, Project, Role
from webapp.http import PageRequest
from webapp.notices.reading import unread_in_project

_SESSION_KEY = "project"


@dataclass(frozen=True)
class Place:
    """Where a signed-in user is: the current project and its number of people, the role there, all projects, unread notices."""

    project: Project
    role: Role
    projects: list[Project]
    people: int = 1
    unread: int = 0

    def may(self, role: Role) -> bool:
        """Whether the user's role is ``role`` or higher."""
        return self.role.level >= role.level

    def require(self, role: Role) -> None:
        """PermissionDenied, in a plain sentence, unless the user's role is ``role`` or higher."""
        if not self.may(role):
            raise _lacking(self.project, self.role, role)

    @property
    def may_curate(self) -> bool:
        """May edit data, review versions and read the audit trail."""
        return self.may(Role.CURATOR)

    @property
    def may_launch(self) -> bool:
        """May upload data, launch and cancel runs."""
        return self.may(Role.RESEARCHER)

    @property
    def may_admin(self) -> bool:
        """May invite people and change their roles."""
        return self.may(Role.ADMIN)

    @property
    def shared(self) -> str:
        """Who sees what is in the project, in words."""
        return "only you" if self.people == 1 else f"shared by {self.people:,}"


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
        return Project.objects.select_related("quota").get(pk=pk, memberships__user=user)
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
        raise _lacking(project, held, role)


def _lacking(project: Project, held: Role | None, role: Role) -> PermissionDenied:
    return PermissionDenied(
        f"This needs the role {role.value} in the project {project.name}; you are {held.value if held else 'no member'}. "
        "Ask an admin of the project."
    )


def _look_up(user: User, wanted: int | None) -> Place | None:
    # Counted here, so that what the frame of every page says costs no query of its own.
    mine = Membership.objects.filter(user=user).select_related("project")
    memberships = list(mine.annotate(people=_people(), unread=unread_in_project()).order_by("pk"))
    if not memberships:
        return None
    current = next((membership for membership in memberships if membership.project_id == wanted), memberships[0])
    unread = sum(membership.unread for membership in memberships)
    return Place(current.project, Role(current.role), [membership.project for membership in memberships], current.people, unread)


def _people() -> Coalesce:
    others = Membership.objects.filter(project=OuterRef("project")).order_by()
    return Coalesce(Subquery(others.values("project").annotate(number=Count("pk")).values("number")), 0)
