"""Curating a version by REST: its items, edits that are collected in a draft, and the version that is made of them."""

from typing import Annotated, Any

from django.db.models import F, IntegerField
from django.db.models.expressions import ExpressionWrapper
from django.http import Http404, HttpRequest
from ninja import Query, Router, Status

from engine.errors import UserError
from engine.spec import FilterSpec
from webapp.accounts.access import require_role
from webapp.accounts.models import Role, Scope
from webapp.api.answers import ERRORS, Cursor, Limit, PathId, page_of, user_of
from webapp.api.auth import TokenAuth
from webapp.api.curation_schemas import (
    CurationOut,
    DraftOut,
    EditPage,
    EditsIn,
    ItemPage,
    ListIn,
    ListOut,
    MakeIn,
    TwinsPage,
    edit_out,
    item_out,
)
from webapp.api.dataset_schemas import VersionFull, version_full
from webapp.api.errors import NotReadyError
from webapp.api.idempotency import idempotent
from webapp.curation.bulk import read_list
from webapp.curation.checked import check_edits
from webapp.curation.drafts import edits_of, make_version, open_draft, put_edits, take_out
from webapp.curation.items import draft_edits, find_items, twin_keys
from webapp.curation.models import CatalogueItem, DraftEdit, EditKind
from webapp.curation.place import has_items
from webapp.datasets.access import get_version_for_user
from webapp.datasets.asking import ask_about, last_question
from webapp.datasets.models import QuestionKind, QuestionState, Version, VersionState
from webapp.keyset import Order

router = Router(tags=["curation"])
_CURATE = TokenAuth(Scope.CURATE)
_PROBLEMS_SHOWN = 100
_FEW = Annotated[int, Query(ge=1, le=50, description="groups of a page")]


def _whole(value: Any) -> int:
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise ValueError("no count of interactions")
    return value


_BY_INTERACTIONS = Order(ExpressionWrapper(F("interactions"), output_field=IntegerField()), from_json=_whole)


@router.get("/{version_id}/curation", response={200: CurationOut, **ERRORS}, operation_id="get_curation")
def get_curation(request: HttpRequest, version_id: PathId) -> dict[str, Any]:
    """Whether the version's items are listed, so that they can be edited, and what is in the draft. Needs the role curator."""
    return _standing(_curated(request, version_id))


@router.post("/{version_id}/curation", response={200: CurationOut, **ERRORS}, operation_id="begin_curation", auth=_CURATE)
def begin_curation(request: HttpRequest, version_id: PathId) -> dict[str, Any]:
    """Have a worker list the items, which comes before the first edit; once they are listed, nothing is done. Needs a curator."""
    version = _curated(request, version_id)
    if version.state != VersionState.READY:
        raise UserError(f"{version} is {version.state}, not ready.", "Choose a version that is ready.")
    if not has_items(version):
        ask_about(version, user_of(request), QuestionKind.ITEMS)
    return _standing(version)


@router.get("/{version_id}/curation/items", response={200: ItemPage, **ERRORS}, operation_id="list_items")
def list_items(
    request: HttpRequest,
    version_id: PathId,
    q: Annotated[str, Query(max_length=200, description="only items with each of these words in id, title or categories")] = "",
    id: Annotated[str, Query(max_length=5000, description="only the item with this id")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """The items as the draft will make them, those with the most interactions first. Needs the role curator."""
    version = _listed(request, version_id)
    found = find_items(version, q.replace("\x00", ""))
    page = page_of(found.filter(item_id=id) if id else found, limit, cursor, _BY_INTERACTIONS)
    return {"items": _items(version, page.rows), "next": page.next}


@router.get("/{version_id}/curation/duplicates", response={200: TwinsPage, **ERRORS}, operation_id="list_duplicates")
def list_duplicates(request: HttpRequest, version_id: PathId, limit: _FEW = 20, cursor: Cursor = "") -> dict[str, Any]:
    """Groups of items whose titles have the same letters and digits: candidates to merge. Needs the role curator."""
    version = _listed(request, version_id)
    keys = list(twin_keys(version).filter(title_key__gt=cursor)[: limit + 1])
    shared = CatalogueItem.objects.filter(version=version, twins__gt=0, title_key__in=keys[:limit]).order_by(
        "-interactions", "id"
    )
    rows = list(shared)
    items = zip(rows, _items(version, rows), strict=True)
    groups: dict[str, list[dict[str, Any]]] = {key: [] for key in keys[:limit]}
    for row, item in items:
        groups[row.title_key].append(item)
    found = [{"key": key, "items": members} for key, members in groups.items()]
    return {"items": found, "next": keys[limit - 1] if len(keys) > limit else ""}


@router.get("/{version_id}/curation/edits", response={200: EditPage, **ERRORS}, operation_id="list_edits")
def list_edits(request: HttpRequest, version_id: PathId, limit: Limit = 50, cursor: Cursor = "") -> dict[str, Any]:
    """What the draft holds, the first edit first. Needs the role curator."""
    draft = open_draft(_curated(request, version_id))
    edits = draft.edits.select_related("made_by") if draft else DraftEdit.objects.none()
    page = page_of(edits, limit, cursor, Order(None, descending=False))
    return {"items": [edit_out(edit) for edit in page.rows], "next": page.next}


@router.put("/{version_id}/curation/edits", response={200: DraftOut, **ERRORS}, operation_id="put_edits", auth=_CURATE)
def put(request: HttpRequest, version_id: PathId, body: EditsIn) -> dict[str, Any]:
    """Put edits into the draft: all, or none where one is wrong (`problems` says which). Needs the role curator.

    Change texts of items, merge items that are the same, leave out items or users. The data stay as they are until a version is
    made of the draft.
    """
    version = _listed(request, version_id)
    sent = [(EditKind(edit.kind), edit.target, edit.dict(exclude={"kind", "target"})) for edit in body.edits]
    put_edits(version, user_of(request), check_edits(version, sent))
    return _draft(version)


@router.delete(
    "/{version_id}/curation/edits/{edit_id}", response={200: DraftOut, **ERRORS}, operation_id="take_out_edit", auth=_CURATE
)
def take(request: HttpRequest, version_id: PathId, edit_id: PathId) -> dict[str, Any]:
    """Take an edit out of the draft. Needs the role curator."""
    version = _curated(request, version_id)
    draft = open_draft(version)
    edits = list(draft.edits.filter(pk=edit_id)) if draft else []
    if not edits:
        raise Http404("There is no such edit in the draft.")
    take_out(version, user_of(request), edits)
    return _draft(version)


@router.post("/{version_id}/curation/list", response={200: ListOut, **ERRORS}, operation_id="read_edit_list", auth=_CURATE)
def read(request: HttpRequest, version_id: PathId, body: ListIn) -> dict[str, Any]:
    """Try a list of edits as CSV, line by line, or take it over into the draft. Needs the role curator.

    Columns: item_id, title, categories (with | in between), description, merge_into, exclude (yes), user_id; an empty cell
    leaves things as they are.
    """
    version = _listed(request, version_id)
    found = read_list(version, body.text.replace("\r\n", "\n"))
    taken = body.take and not found.problems
    if taken:
        put_edits(version, user_of(request), found.edits)
    problems = [{"line": line, "message": words} for line, words in found.problems[:_PROBLEMS_SHOWN]]
    return {"lines": found.lines, "edits": len(found.edits), "problems": problems, "taken": taken}


@router.post("/{version_id}/curation/version", response={201: VersionFull, **ERRORS}, operation_id="make_version", auth=_CURATE)
@idempotent
def make(request: HttpRequest, version_id: PathId, body: MakeIn) -> "Status[dict[str, Any]]":
    """Have a worker make a version of the draft; the next edit begins another draft. Needs the role curator."""
    version = _curated(request, version_id)
    return Status(201, version_full(make_version(version, user_of(request), FilterSpec(core=body.core))))


def _curated(request: HttpRequest, version_id: int) -> Version:
    """The version, for its curators: 404 to strangers, 403 to others of the project."""
    user = user_of(request)
    version = get_version_for_user(user, version_id)
    require_role(user, version.dataset.project, Role.CURATOR)
    return version


def _listed(request: HttpRequest, version_id: int) -> Version:
    version = _curated(request, version_id)
    if not has_items(version):
        raise NotReadyError(f"The items of {version} are not listed yet.", "POST to its curation, and wait until that is ready.")
    return version


def _items(version: Version, items: list[CatalogueItem]) -> list[dict[str, Any]]:
    edits = draft_edits(open_draft(version), [item.item_id for item in items])
    return [item_out(item, edits.get(item.item_id, [])) for item in items]


def _draft(version: Version) -> dict[str, Any]:
    summary = edits_of(open_draft(version)).summary()
    return {"edits": sum(summary.values()), "summary": summary}


def _standing(version: Version) -> dict[str, Any]:
    draft, question = open_draft(version), last_question(version, QuestionKind.ITEMS)
    failed = question is not None and question.state == QuestionState.FAILED
    if has_items(version):
        state, failed = "ready", False
    else:
        state = "failed" if failed else "none" if question is None or question.state == QuestionState.ANSWERED else "asked"
    return {
        "state": state,
        "error": question.error if question and failed else "",
        "hint": question.hint if question and failed else "",
        "edits": draft.number_of_edits if draft else 0,  # type: ignore[attr-defined]
        "made": str(draft.made) if draft and draft.made else "",
    }
