"""Datasets by REST. Their versions have addresses of their own: version_data.py; how data come in: uploads.py."""

from typing import Annotated, Any

from django.db.models import Count
from django.http import HttpRequest
from ninja import Query, Router

from webapp.accounts.access import get_project_for_user
from webapp.api.answers import ERRORS, MOST_ID, Cursor, Limit, PathId, page_of, user_of
from webapp.api.dataset_schemas import DatasetOut, DatasetPage, VersionPage, dataset_line, dataset_out, version_line
from webapp.datasets.access import get_dataset_for_user
from webapp.datasets.models import HEAVY, Dataset

router = Router(tags=["datasets"])


@router.get("", response={200: DatasetPage, **ERRORS}, operation_id="list_datasets")
def list_datasets(
    request: HttpRequest,
    project: Annotated[int | None, Query(ge=1, le=MOST_ID, description="only of this project; empty: of all of yours")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Datasets of your projects, newest first."""
    user = user_of(request)
    found = Dataset.objects.filter(project__memberships__user=user).annotate(held=Count("versions"))
    if project is not None:
        found = found.filter(project=get_project_for_user(user, project))
    page = page_of(found, limit, cursor)
    return {"items": [dataset_line(dataset, vars(dataset)["held"]) for dataset in page.rows], "next": page.next}


@router.get("/{dataset_id}", response={200: DatasetOut, **ERRORS}, operation_id="get_dataset")
def get_dataset(request: HttpRequest, dataset_id: PathId) -> dict[str, Any]:
    """One dataset with its card: where the data come from, and what may be done with them."""
    return dataset_out(get_dataset_for_user(user_of(request), dataset_id))


@router.get("/{dataset_id}/versions", response={200: VersionPage, **ERRORS}, operation_id="list_versions")
def list_versions(request: HttpRequest, dataset_id: PathId, limit: Limit = 50, cursor: Cursor = "") -> dict[str, Any]:
    """The versions of a dataset, newest first."""
    dataset = get_dataset_for_user(user_of(request), dataset_id)
    page = page_of(dataset.versions.select_related("dataset").defer(*HEAVY), limit, cursor)
    return {"items": [version_line(version) for version in page.rows], "next": page.next}
