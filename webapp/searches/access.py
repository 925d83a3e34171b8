"""Searches that a user may see; all else is answered 404."""

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404

from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.searches.models import Search


def searches_for_user(user: User) -> QuerySet[Search]:
    """The searches of all the user's projects."""
    return Search.objects.filter(project__memberships__user=user)


def get_search_for_user(user: User, pk: int) -> Search:
    """A search of one of the user's projects, or 404."""
    searches = searches_for_user(user).filter(pk=pk).select_related("project", "version__dataset", "created_by")
    found = searches.defer(*HEAVY_OF_VERSION).first()
    if found is None:
        raise Http404("There is no such search, or it is not yours.")
    return found
