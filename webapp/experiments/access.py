"""Runs that a user may see; all else is answered 404."""

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404

from webapp.experiments.models import Run


def runs_for_user(user: User) -> QuerySet[Run]:
    """The runs of all the user's projects."""
    return Run.objects.filter(project__memberships__user=user)


def get_run_for_user(user: User, pk: int) -> Run:
    """A run of one of the user's projects, or 404."""
    found = runs_for_user(user).filter(pk=pk).select_related("project", "version__dataset", "created_by").first()
    if found is None:
        raise Http404("There is no such run, or it is not yours.")
    return found
