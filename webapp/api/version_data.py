"""What is made of a dataset version, by REST: leakage report, difference, download; and deleting it."""

from typing import Any, Literal

from django.http import HttpRequest, HttpResponseBase
from ninja import Router, Schema, Status
from pydantic import Field

from webapp.accounts.models import Scope
from webapp.api.auth import TokenAuth
from webapp.api.document import add_example
from webapp.api.runs import user_of
from webapp.api.schemas import ErrorOut
from webapp.datasets.access import get_version_for_user
from webapp.datasets.deleting import delete_version
from webapp.datasets.derived import ask_for, download_kind, find_derived
from webapp.datasets.derived_views import archive_response
from webapp.datasets.models import Derived, DerivedKind, DerivedState

router = Router(tags=["versions"])
_ERRORS: dict[int, Any] = {401: ErrorOut, 403: ErrorOut, 404: ErrorOut, 422: ErrorOut, 500: ErrorOut}


class MadeOut(Schema):
    """Something that a worker makes of a version: ask again until ``state`` is ready or failed."""

    state: Literal["queued", "making", "ready", "failed"]
    result: dict[str, Any] = Field(description="the report or the difference, once it is ready")
    error: str
    hint: str


class DeletedOut(Schema):
    """A version that is no more."""

    id: int
    state: str


@router.get("/{version_id}/leakage", response={200: MadeOut, 202: MadeOut, **_ERRORS}, operation_id="get_leakage")
def leakage(request: HttpRequest, version_id: int) -> "Status[dict[str, Any]]":
    """The leakage report of leave-one-out; 202 while it is made."""
    version = get_version_for_user(user_of(request), version_id)
    if version.leakage:
        return Status(200, {"state": "ready", "result": version.leakage, "error": "", "hint": ""})
    return _answer(find_derived(version, DerivedKind.LEAKAGE) or ask_for(version, DerivedKind.LEAKAGE))


@router.get(
    "/{version_id}/difference/{other_id}", response={200: MadeOut, 202: MadeOut, **_ERRORS}, operation_id="get_difference"
)
def difference(request: HttpRequest, version_id: int, other_id: int) -> "Status[dict[str, Any]]":
    """What differs between two versions of a dataset; 202 while it is made."""
    user = user_of(request)
    version, other = get_version_for_user(user, version_id), get_version_for_user(user, other_id)
    kind = DerivedKind.DIFFERENCE
    return _answer(find_derived(version, kind, other) or ask_for(version, kind, other))


@router.get("/{version_id}/download/{format}", response={200: MadeOut, 202: MadeOut, **_ERRORS}, operation_id="download_version")
def download(request: HttpRequest, version_id: int, format: str) -> "HttpResponseBase | Status[dict[str, Any]]":
    """A zip archive (application/zip) as parquet, csv, csv-raw or recbole; JSON while it is made (202) and where that failed."""
    version, kind = get_version_for_user(user_of(request), version_id), download_kind(format)
    derived = find_derived(version, kind) or ask_for(version, kind)
    return archive_response(request, derived) if derived.state == DerivedState.READY else _answer(derived)


@router.delete(
    "/{version_id}", response={200: DeletedOut, **_ERRORS}, operation_id="delete_version", auth=TokenAuth(Scope.CURATE)
)
def delete(request: HttpRequest, version_id: int) -> dict[str, Any]:
    """Remove a version's files for good; refused while a run or search needs it. Needs the role curator."""
    user = user_of(request)
    version = get_version_for_user(user, version_id)
    delete_version(version, user)
    return {"id": version.pk, "state": version.state}


def _answer(derived: Derived) -> "Status[dict[str, Any]]":
    done = derived.state in (DerivedState.READY, DerivedState.FAILED)
    values = {"state": derived.state, "result": derived.result, "error": derived.error, "hint": derived.hint}
    return Status(200 if done else 202, values)


_MADE = {"state": "ready", "error": "", "hint": ""}
add_example(
    "get_leakage",
    response={**_MADE, "result": {"split": "leave-one-out", "users": 943, "findings": [], "clean": ["…"], "untold": []}},
)
add_example(
    "get_difference",
    response={**_MADE, "result": {"users_gone": {"count": 1, "samples": ["u9"]}, "users_new": {"count": 0, "samples": []}}},
)
add_example("delete_version", response={"id": 7, "state": "deleted"})
