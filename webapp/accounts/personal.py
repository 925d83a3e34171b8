"""Everybody has a project of their own, from the first sign-in on."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from webapp.accounts.models import Membership, Project, Role
from webapp.accounts.projects import free_slug


def ensure_personal_project(user: User) -> Project:
    """The user's personal project, made with them as its admin where there is none; two sign-ins at once make one."""
    found = Project.objects.filter(personal_of=user).first()
    if found is not None:
        return found
    with transaction.atomic():
        # Whoever signs in on two devices at once waits here.
        User.objects.select_for_update().get(pk=user.pk)
        name = f"{user.username[:80]}'s project"
        project, made = Project.objects.get_or_create(personal_of=user, defaults={"name": name, "slug": free_slug(name)})
        if made:
            Membership.objects.create(project=project, user=user, role=Role.ADMIN)
    return project


def on_sign_in(user: User, **_: Any) -> None:
    """Receives ``user_logged_in``."""
    ensure_personal_project(user)
