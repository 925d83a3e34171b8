"""Datasets and versions that a user may see; all else is answered 404."""

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404

from webapp.accounts.models import Project
from webapp.datasets.models import HEAVY, Dataset, Review, Version, VersionState


def get_dataset_for_user(user: User, pk: int) -> Dataset:
    """A dataset of one of the user's projects, or 404."""
    found = Dataset.objects.filter(pk=pk, project__memberships__user=user).select_related("project", "created_by").first()
    if found is None:
        raise Http404("There is no such dataset, or it is not yours.")
    return found


def get_version_for_user(user: User, pk: int) -> Version:
    """A version in one of the user's projects, or 404."""
    return _one(Version.objects.filter(pk=pk, dataset__project__memberships__user=user))


def get_numbered_version_for_user(user: User, dataset: int, number: int) -> Version:
    """Version ``number`` of a dataset in one of the user's projects, or 404."""
    return _one(Version.objects.filter(dataset=dataset, number=number, dataset__project__memberships__user=user))


def ready_versions(project: Project) -> QuerySet[Version]:
    """The project's versions that a run can start from, newest first, without large columns; archived ones are not offered."""
    ready = Version.objects.filter(dataset__project=project, state=VersionState.READY).exclude(review=Review.ARCHIVED)
    return ready.defer(*HEAVY).select_related("dataset").order_by("-pk")


def _one(versions: QuerySet[Version]) -> Version:
    found = versions.select_related("dataset__project", "created_by", "deleted_by", "parent", "reviewed_by").first()
    if found is None:
        raise Http404("There is no such version, or it is not yours.")
    return found
