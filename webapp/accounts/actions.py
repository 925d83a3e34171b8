"""What is done to accounts from code: make sure that one exists."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.text import slugify

from webapp.accounts.models import Membership, Project, Role


@transaction.atomic
def ensure_account(username: str, password: str, project_name: str, role: str) -> User:
    """The user ``username`` with this password and this role in the project, each made where it is missing.

    An admin of a project may also enter Django's admin pages, where members are managed.
    """
    user, _ = User.objects.get_or_create(username=username)
    user.set_password(password)
    if Role(role) is Role.ADMIN:
        user.is_staff = user.is_superuser = True
    user.save()
    project, _ = Project.objects.get_or_create(slug=slugify(project_name)[:60], defaults={"name": project_name})
    Membership.objects.update_or_create(project=project, user=user, defaults={"role": Role(role)})
    return user
