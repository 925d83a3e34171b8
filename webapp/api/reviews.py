"""The review of versions and the data card of datasets, by REST."""

import datetime
from typing import Annotated, Any

from django.db.models import DateTimeField, F
from django.db.models.expressions import ExpressionWrapper
from django.http import HttpRequest
from ninja import Query, Router

from webapp.accounts.access import get_project_for_user, require_role
from webapp.accounts.models import Membership, Role, Scope
from webapp.api.answers import ERRORS, MOST_ID, Cursor, Limit, PathId, page_of, user_of
from webapp.api.auth import TokenAuth
from webapp.api.curation_schemas import CardIn, ReviewIn, WaitingPage
from webapp.api.dataset_schemas import DatasetOut, VersionFull, dataset_out, version_full, version_line
from webapp.curation.cards import edit_card
from webapp.curation.review import review_version, role_for
from webapp.datasets.access import get_dataset_for_user, get_version_for_user
from webapp.datasets.models import HEAVY, Review, Version
from webapp.keyset import Order

queue_router = Router(tags=["curation"])
card_router = Router(tags=["curation"])
review_router = Router(tags=["curation"])


def _moment(value: Any) -> datetime.datetime:
    found = datetime.datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return found


_LONGEST_FIRST = Order(
    ExpressionWrapper(F("reviewed_at"), output_field=DateTimeField()),
    descending=False,
    to_json=datetime.datetime.isoformat,
    from_json=_moment,
)


@queue_router.get("", response={200: WaitingPage, **ERRORS}, operation_id="list_reviews")
def queue(
    request: HttpRequest,
    project: Annotated[int | None, Query(ge=1, le=MOST_ID, description="only of this project; empty: where you curate")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """The review queue: versions that wait, the one that waits longest first. Needs the role curator."""
    user = user_of(request)
    if project is not None:
        require_role(user, get_project_for_user(user, project), Role.CURATOR)
    roles = [role for role in Role if role.level >= Role.CURATOR.level]
    mine = Membership.objects.filter(user=user, role__in=roles)
    curated = mine if project is None else mine.filter(project=project)
    waiting = Version.objects.filter(dataset__project__in=curated.values("project"), review=Review.SUBMITTED)
    page = page_of(waiting.select_related("dataset", "reviewed_by").defer(*HEAVY), limit, cursor, _LONGEST_FIRST)
    return {"items": [_waiting(version) for version in page.rows], "next": page.next}


@review_router.post(
    "/{version_id}/review", response={200: VersionFull, **ERRORS}, operation_id="review_version", auth=TokenAuth(Scope.CURATE)
)
def review(request: HttpRequest, version_id: PathId, body: ReviewIn) -> dict[str, Any]:
    """Submit a version for review, approve, reject or archive it, or take that back.

    To submit and to withdraw need the role researcher, all else curator. Which step may follow which, the error says.
    """
    user = user_of(request)
    version = get_version_for_user(user, version_id)
    step = Review(body.review)
    require_role(user, version.dataset.project, Role.RESEARCHER)
    require_role(user, version.dataset.project, role_for(version, step))
    review_version(version, user, step, body.reason)
    return version_full(version)


@card_router.patch(
    "/{dataset_id}/card", response={200: DatasetOut, **ERRORS}, operation_id="edit_card", auth=TokenAuth(Scope.CURATE)
)
def card(request: HttpRequest, dataset_id: PathId, body: CardIn) -> dict[str, Any]:
    """Change texts of the dataset's card: all that are named. Needs the role curator."""
    user = user_of(request)
    dataset = get_dataset_for_user(user, dataset_id)
    require_role(user, dataset.project, Role.CURATOR)
    edit_card(dataset, user, {name: text for name, text in body.dict().items() if text is not None})
    return dataset_out(dataset)


def _waiting(version: Version) -> dict[str, Any]:
    by = version.reviewed_by.username if version.reviewed_by else ""
    about = {"by": by, "at": version.reviewed_at, "reason": version.review_reason}
    return {**version_line(version), "project": version.dataset.project_id, **about}
