"""Dataset versions by REST: one of them, what workers make of it, versions made from it, and deleting it."""

from typing import Any, Literal

from django.http import Http404, HttpRequest, HttpResponseBase
from ninja import Router, Schema, Status
from pydantic import Field

from engine.errors import UserError
from engine.spec import FilterSpec
from webapp.accounts.access import require_role
from webapp.accounts.models import Role, Scope
from webapp.api.answers import ERRORS, PathId, example, user_of
from webapp.api.auth import TokenAuth
from webapp.api.dataset_schemas import FiltersIn, QuestionOut, VersionFull, question_out, version_full
from webapp.api.document import add_example
from webapp.api.idempotency import idempotent
from webapp.datasets.access import get_version_for_user
from webapp.datasets.actions import parse_filters
from webapp.datasets.asking import ask_about, last_question
from webapp.datasets.deleting import delete_version
from webapp.datasets.derived import ask_for, download_kind, find_derived
from webapp.datasets.derived_views import archive_response
from webapp.datasets.deriving import NO_FILTERS, derive_version
from webapp.datasets.models import Derived, DerivedKind, DerivedState, QuestionKind, QuestionState, Version, VersionState
from webapp.experiments.actions import check_storable

router = Router(tags=["versions"])


class MadeOut(Schema):
    """Something that a worker makes of a version: ask again until ``state`` is ready or failed."""

    model_config = example(state="ready", result={"findings": []}, error="", hint="")

    state: Literal["queued", "making", "ready", "failed"]
    result: dict[str, Any] = Field(description="the report or the difference, once it is ready")
    error: str
    hint: str


class DeletedOut(Schema):
    """A version that is no more."""

    model_config = example(id=7, state="deleted")

    id: int
    state: str


@router.get("/{version_id}", response={200: VersionFull, **ERRORS}, operation_id="get_version")
def get_version(request: HttpRequest, version_id: PathId) -> dict[str, Any]:
    """One version: state, counts, how it was read, and how far that is."""
    return version_full(get_version_for_user(user_of(request), version_id))


@router.get("/{version_id}/profile", response={200: MadeOut, 202: MadeOut, **ERRORS}, operation_id="get_profile")
def profile(request: HttpRequest, version_id: PathId) -> "Status[dict[str, Any]]":
    """Distributions of lengths, popularity, times and texts; 202 while a worker makes the profile."""
    user = user_of(request)
    version = get_version_for_user(user, version_id)
    if version.profile:
        return Status(200, {"state": "ready", "result": version.profile, "error": "", "hint": ""})
    _require_ready(version)
    known = last_question(version, QuestionKind.PROFILE)
    if known is not None and known.state == QuestionState.FAILED:
        return Status(200, {"state": "failed", "result": {}, "error": known.error, "hint": known.hint})
    ask_about(version, user, QuestionKind.PROFILE)
    return Status(202, {"state": "queued", "result": {}, "error": "", "hint": ""})


@router.post("/{version_id}/previews", response={202: QuestionOut, **ERRORS}, operation_id="preview_filters")
def preview(request: HttpRequest, version_id: PathId, body: FiltersIn) -> "Status[dict[str, Any]]":
    """Have a worker count what filters would leave of the version. Needs the role researcher."""
    user = user_of(request)
    version = get_version_for_user(user, version_id)
    require_role(user, version.dataset.project, Role.RESEARCHER)
    filters = _filters(body)
    _require_ready(version)
    question = ask_about(version, user, QuestionKind.PREVIEW, {"filters": filters.model_dump(mode="json")})
    return Status(202, question_out(question))


@router.get(
    "/{version_id}/previews/{preview_id}", response={200: QuestionOut, 202: QuestionOut, **ERRORS}, operation_id="get_preview"
)
def get_preview(request: HttpRequest, version_id: PathId, preview_id: PathId) -> "Status[dict[str, Any]]":
    """What filters would leave; 202 while it is counted."""
    version = get_version_for_user(user_of(request), version_id)
    question = version.questions.filter(kind=QuestionKind.PREVIEW, pk=preview_id).first()
    if question is None:
        raise Http404("There is no such preview any more. Ask for it again.")
    return Status(202 if question.state == QuestionState.ASKED else 200, question_out(question))


@router.post("/{version_id}/filter", response={201: VersionFull, **ERRORS}, operation_id="filter_version")
@idempotent
def filter_version(request: HttpRequest, version_id: PathId, body: FiltersIn) -> "Status[dict[str, Any]]":
    """Have a worker make a version from this one by filters. Needs the role researcher."""
    user = user_of(request)
    version = get_version_for_user(user, version_id)
    require_role(user, version.dataset.project, Role.RESEARCHER)
    return Status(201, version_full(derive_version(version, user, _filters(body))))


@router.get("/{version_id}/leakage", response={200: MadeOut, 202: MadeOut, **ERRORS}, operation_id="get_leakage")
def leakage(request: HttpRequest, version_id: PathId) -> "Status[dict[str, Any]]":
    """The leakage report of leave-one-out; 202 while it is made."""
    version = get_version_for_user(user_of(request), version_id)
    if version.leakage:
        return Status(200, {"state": "ready", "result": version.leakage, "error": "", "hint": ""})
    return _answer(find_derived(version, DerivedKind.LEAKAGE) or ask_for(version, DerivedKind.LEAKAGE))


@router.get("/{version_id}/difference/{other_id}", response={200: MadeOut, 202: MadeOut, **ERRORS}, operation_id="get_difference")
def difference(request: HttpRequest, version_id: PathId, other_id: PathId) -> "Status[dict[str, Any]]":
    """What differs between two versions of a dataset; 202 while it is made."""
    user = user_of(request)
    version, other = get_version_for_user(user, version_id), get_version_for_user(user, other_id)
    kind = DerivedKind.DIFFERENCE
    return _answer(find_derived(version, kind, other) or ask_for(version, kind, other))


@router.get(
    "/{version_id}/download/{format}",
    response={200: MadeOut, 202: MadeOut, **ERRORS},
    operation_id="download_version",
    openapi_extra={"responses": {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}},
)
def download(request: HttpRequest, version_id: PathId, format: str) -> "HttpResponseBase | Status[dict[str, Any]]":
    """A zip archive (application/zip) as parquet, csv, csv-raw or recbole; JSON while it is made (202) and where that failed."""
    version, kind = get_version_for_user(user_of(request), version_id), download_kind(format)
    derived = find_derived(version, kind) or ask_for(version, kind)
    return archive_response(request, derived) if derived.state == DerivedState.READY else _answer(derived)


@router.delete("/{version_id}", response={200: DeletedOut, **ERRORS}, operation_id="delete_version", auth=TokenAuth(Scope.CURATE))
def delete(request: HttpRequest, version_id: PathId) -> dict[str, Any]:
    """Remove a version's files for good; refused while a run or search needs it. Needs the role curator."""
    user = user_of(request)
    version = get_version_for_user(user, version_id)
    delete_version(version, user)
    return {"id": version.pk, "state": version.state}


def _filters(body: FiltersIn) -> FilterSpec:
    """What is left out filters nothing, unlike in a spec, where the usual filters stand."""
    filters = parse_filters({**NO_FILTERS.model_dump(mode="json"), **body.filters})
    check_storable(filters.model_dump(mode="json"))
    return filters


def _require_ready(version: Version) -> None:
    if version.state != VersionState.READY:
        raise UserError(f"{version} is {version.state}, not ready.", "Choose a version that is ready.")


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
