"""Projects by REST: which are yours, and who is in them."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from webapp.accounts.access import get_project_for_user
from webapp.api.answers import ERRORS, PathId, example, user_of

router = Router(tags=["projects"])


class ProjectOut(Schema):
    """A project of yours."""

    model_config = example(id=1, name="Shop", description="", role="researcher", personal=False, url="/projects/1")

    id: int
    name: str
    description: str
    role: str = Field(description="yours: viewer, researcher, curator or admin")
    personal: bool = Field(description="whether it is somebody's own")
    url: str


class MemberOut(Schema):
    """Somebody in a project."""

    model_config = example(username="alice", role="admin")

    username: str
    role: str


@router.get("", response={200: list[ProjectOut], **ERRORS}, operation_id="list_projects")
def list_projects(request: HttpRequest) -> list[dict[str, Any]]:
    """The projects in which you are."""
    mine = user_of(request).memberships.select_related("project").order_by("project__name", "pk")
    return [
        {
            "id": one.project_id,
            "name": one.project.name,
            "description": one.project.description,
            "role": one.role,
            "personal": one.project.personal_of_id is not None,
            "url": f"/projects/{one.project_id}",
        }
        for one in mine
    ]


@router.get("/{project_id}/members", response={200: list[MemberOut], **ERRORS}, operation_id="list_members")
def members(request: HttpRequest, project_id: PathId) -> list[dict[str, Any]]:
    """Who is in the project, with their roles; every member may see it."""
    project = get_project_for_user(user_of(request), project_id)
    found = project.memberships.select_related("user").order_by("user__username")
    return [{"username": one.user.username, "role": one.role} for one in found]
