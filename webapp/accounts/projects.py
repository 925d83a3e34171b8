"""What people do with projects: make and describe them, change the roles of members. All of it is audited."""

import secrets

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.text import slugify

from engine.errors import UserError
from webapp.accounts.models import Membership, Project, Role
from webapp.audit.trail import differences, record

_LONGEST_NAME = 100
_LONGEST_DESCRIPTION = 2000


@transaction.atomic
def create_project(user: User, name: str, description: str = "") -> Project:
    """A new project with ``user`` as its admin; raises UserError for a name that is empty or too long."""
    name, description = _checked(name, description)
    project = Project.objects.create(name=name, slug=free_slug(name), description=description)
    Membership.objects.create(project=project, user=user, role=Role.ADMIN)
    record(user, project, "project.created", project, after={"name": name, "description": description})
    return project


@transaction.atomic
def describe_project(project: Project, user: User, name: str, description: str) -> None:
    """Change a project's name and description; raises UserError for a name that is empty or too long."""
    name, description = _checked(name, description)
    before, after = differences(
        {"name": project.name, "description": project.description}, {"name": name, "description": description}
    )
    if not after:
        return
    project.name, project.description = name, description
    project.save(update_fields=["name", "description"])
    record(user, project, "project.described", project, before, after)


@transaction.atomic
def change_role(membership: Membership, user: User, role: Role) -> None:
    """Give a member another role; raises UserError if no admin would be left, or it is the owner of a personal project."""
    project = _locked(membership.project)
    membership.refresh_from_db()
    if membership.role == role:
        return
    if role != Role.ADMIN:
        _check_not_needed(project, membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    named = {"member": membership.user.username}
    record(user, project, "member.role", membership, {**named, "role": before}, {**named, "role": role.value})


@transaction.atomic
def remove_member(membership: Membership, user: User) -> None:
    """End a membership, another's or one's own; raises UserError if no admin would be left, or it is the owner's."""
    project = _locked(membership.project)
    _check_not_needed(project, membership)
    before = {"member": membership.user.username, "role": membership.role}
    record(user, project, "member.removed", membership, before)
    membership.delete()


def free_slug(name: str) -> str:
    """A slug for ``name`` that no project has."""
    slug = slugify(name)[:50] or "project"
    return f"{slug}-{secrets.token_hex(4)}" if Project.objects.filter(slug=slug).exists() else slug


def _checked(name: str, description: str) -> tuple[str, str]:
    name, description = " ".join(name.split()), description.strip()
    if not name or len(name) > _LONGEST_NAME or "\x00" in name + description:
        raise UserError(f"The name of a project has 1 to {_LONGEST_NAME} characters.", "Give it another name.")
    if len(description) > _LONGEST_DESCRIPTION:
        raise UserError(f"The description is longer than {_LONGEST_DESCRIPTION:,} characters.", "Shorten it.")
    return name, description


def _locked(project: Project) -> Project:
    """The project's row, locked, so that two admins cannot remove each other at once."""
    return Project.objects.select_for_update().get(pk=project.pk)


def _check_not_needed(project: Project, membership: Membership) -> None:
    if project.personal_of_id == membership.user_id:
        raise UserError(f"{project} is {membership.user}'s own project: its owner stays its admin.", "Make another project.")
    others = Membership.objects.filter(project=project, role=Role.ADMIN).exclude(pk=membership.pk)
    if membership.role == Role.ADMIN and not others.exists():
        raise UserError(f"{membership.user} is the only admin of {project}.", "Make somebody else an admin first.")
