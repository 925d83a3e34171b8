"""Pages of curating a version: search and edit items, merge those that are the same, a list of edits, the draft."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from engine.errors import DataError, UserError
from webapp.curation.bulk import COLUMNS, EditList, read_list
from webapp.curation.drafts import NewEdit, edits_of, make_version, open_draft, put_edits, take_out
from webapp.curation.forms import ItemForm, ListForm, MakeForm, MergeForm, UsersForm
from webapp.curation.items import (
    MOST_FOUND,
    draft_edits,
    item_pages,
    item_row,
    item_rows,
    items_of,
    mark,
    twin_groups,
    twin_keys,
)
from webapp.curation.models import CatalogueItem, DraftEdit, EditKind
from webapp.curation.place import frame, get_curated_version, has_items
from webapp.datasets.models import Version
from webapp.display import count, moment
from webapp.http import PageRequest, page

_GROUPS_A_PAGE = 20
_EDITS_A_PAGE = 100
_PROBLEMS_SHOWN = 100


@page
@require_GET
def items(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """The items of a version, searched by words in id, title and categories."""
    version = get_curated_version(request, dataset, number)
    if not has_items(version):
        return redirect("curate-start", dataset=dataset, number=number)
    query = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    draft = open_draft(version)
    shown = item_pages(version, query).get_page(request.GET.get("page"))
    context = {
        **frame(version, draft, "items"),
        "query": query,
        "page": shown,
        "more": bool(query) and shown.paginator.count == MOST_FOUND,
        "rows": item_rows(draft, items_of(list(shown))),
    }
    return render(request, "curation/items.html", context)


@page
@require_http_methods(["GET", "POST"])
def item(request: PageRequest, dataset: int, number: int, pk: int) -> HttpResponse:
    """One item: change its texts, merge it into another, leave it out, or undo what the draft does with it."""
    version = get_curated_version(request, dataset, number)
    found = CatalogueItem.objects.filter(version=version, pk=pk).first()
    if found is None:
        raise Http404("There is no such item in this version.")
    draft = open_draft(version)
    edits = draft_edits(draft, [found.item_id]).get(found.item_id, [])
    row = item_row(found, edits)
    start = {"title": row["title"], "categories": row["categories"], "description": row["description"]}
    form, merge = ItemForm(initial=start), MergeForm()
    if request.method == "POST":
        action = request.POST.get("action")
        form = ItemForm(request.POST) if action == "save" else form
        merge = MergeForm(request.POST) if action == "merge" else merge
        if _edit_item(request, version, found, edits, form, merge):
            return redirect("curate-item", dataset=dataset, number=number, pk=pk)
    twins = CatalogueItem.objects.filter(version=version, twins__gt=0, title_key=found.title_key).exclude(pk=pk)
    context = {
        **frame(version, draft, "items"),
        "item": found,
        "row": row,
        "form": form,
        "merge": merge,
        "twins": twins.order_by("-interactions")[:10] if found.twins else [],
    }
    return render(request, "curation/item.html", context, status=422 if request.method == "POST" else 200)


def _edit_item(
    request: PageRequest, version: Version, found: CatalogueItem, edits: list[DraftEdit], form: ItemForm, merge: MergeForm
) -> bool:
    """Do what was posted; False if it is wrong, and then the form, or a message, says why."""
    action, user = request.POST.get("action"), request.user
    try:
        if action == "undo":
            take_out(version, user, edits)
        elif action == "exclude":
            put_edits(version, user, [NewEdit(EditKind.EXCLUDE_ITEM, found.item_id)])
        elif action == "save" and form.is_valid():
            if edit := form.edit(found):
                put_edits(version, user, [edit])
            else:
                take_out(version, user, [edit for edit in edits if edit.kind == EditKind.CHANGE])
        elif action == "merge" and merge.is_valid():
            into = merge.cleaned_data["into"]
            if not CatalogueItem.objects.filter(version=version, item_id=into).exists():
                raise DataError(f"There is no item with the id {into} in this version.", "Search for it, and copy its id.")
            put_edits(version, user, [NewEdit(EditKind.MERGE, found.item_id, {"into": into})])
        else:
            return False
    except UserError as error:
        (merge if action == "merge" else form).add_error(None, str(error)) if action in ("merge", "save") else None
        messages.error(request, str(error))
        return False
    return True


@page
@require_http_methods(["GET", "POST"])
def duplicates(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """Items whose titles have the same letters and digits; POST merges those of one title into the chosen one."""
    version = get_curated_version(request, dataset, number)
    if not has_items(version):
        return redirect("curate-start", dataset=dataset, number=number)
    if request.method == "POST":
        _merge_group(request, version)
        return redirect(request.get_full_path())
    draft = open_draft(version)
    shown = Paginator(twin_keys(version), _GROUPS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        **frame(version, draft, "duplicates"),
        "page": shown,
        "groups": twin_groups(version, draft, list(shown)),
    }
    return render(request, "curation/duplicates.html", context)


def _merge_group(request: PageRequest, version: Version) -> None:
    chosen = [value for value in request.POST.getlist("same") if value.isdecimal() and len(value) < 19]
    into = request.POST.get("into", "")
    same = CatalogueItem.objects.filter(version=version, pk__in=chosen, twins__gt=0)
    target = next((one for one in same if str(one.pk) == into), None)
    others = [one for one in same if target and one.pk != target.pk and one.title_key == target.title_key]
    if target is None or not others:
        messages.error(request, "Tick the items that are the same, and choose which of the ticked ones stays.")
        return
    try:
        put_edits(version, request.user, [NewEdit(EditKind.MERGE, one.item_id, {"into": target.item_id}) for one in others])
    except UserError as error:
        messages.error(request, str(error))


@page
@require_http_methods(["GET", "POST"])
def edit_list(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """A list of edits: tried first, with what is wrong line by line; then, if nothing is, taken over into the draft."""
    version = get_curated_version(request, dataset, number)
    if not has_items(version):
        return redirect("curate-start", dataset=dataset, number=number)
    form, read = ListForm(), None
    if request.method == "POST":
        form = ListForm(request.POST, request.FILES)
        if form.is_valid():
            read = read_list(version, form.cleaned_data["text"])
            if request.POST.get("action") == "take" and not read.problems and _take_over(request, version, read):
                return redirect("curate-draft", dataset=dataset, number=number)
    context = {
        **frame(version, open_draft(version), "list"),
        "form": form,
        "columns": COLUMNS,
        "read": read,
        "problems": read.problems[:_PROBLEMS_SHOWN] if read else [],
        "summary": _summary(read) if read else [],
        "text": form.cleaned_data["text"] if read else "",
    }
    wrong = form.is_bound and (read is None or bool(read.problems))
    return render(request, "curation/list.html", context, status=422 if wrong else 200)


def _take_over(request: PageRequest, version: Version, read: EditList) -> bool:
    try:
        put_edits(version, request.user, read.edits)
    except UserError as error:
        messages.error(request, str(error))
        return False
    messages.success(request, f"{count(len(read.edits))} edits are in the draft.")
    return True


def _summary(read: EditList) -> list[tuple[str, str]]:
    kinds = [edit.kind for edit in read.edits]
    return [(kind.label, count(kinds.count(kind))) for kind in EditKind if kind in kinds]


@page
@require_http_methods(["GET", "POST"])
def draft_page(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """What the draft holds; take edits out, leave users out, and make the new version."""
    version = get_curated_version(request, dataset, number)
    draft = open_draft(version)
    users, make = UsersForm(), MakeForm()
    if request.method == "POST":
        action = request.POST.get("action")
        users = UsersForm(request.POST) if action == "users" else users
        make = MakeForm(request.POST) if action == "make" else make
        try:
            if action == "make" and make.is_valid():
                made = make_version(version, request.user, make.filters())
                messages.success(request, f"A worker makes v{made.number} from v{version.number}.")
                return redirect("version", dataset=made.dataset_id, number=made.number)
            if action == "users" and users.is_valid():
                put_edits(version, request.user, users.edits())
                return redirect(request.path)
            if action == "remove" and draft is not None:
                wanted = request.POST.get("edit", "")
                known = wanted.isdecimal() and len(wanted) < 19
                take_out(version, request.user, draft.edits.filter(pk=int(wanted)) if known else [])
                return redirect(request.get_full_path())
        except UserError as error:
            messages.error(request, str(error))
    edits = draft.edits.select_related("made_by").order_by("kind", "pk") if draft else DraftEdit.objects.none()
    shown = Paginator(edits, _EDITS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        **frame(version, draft, "draft"),
        "failed": draft.made if draft else None,
        "page": shown,
        "rows": [_edit_row(edit) for edit in shown],
        "summary": [(name, count(number)) for name, number in edits_of(draft).summary().items() if number],
        "users": users,
        "make": make,
    }
    return render(request, "curation/draft.html", context, status=422 if request.method == "POST" else 200)


def _edit_row(edit: DraftEdit) -> dict[str, Any]:
    new = {name: " | ".join(value) if isinstance(value, list) else value for name, value in edit.values.items()}
    return {
        "pk": edit.pk,
        "what": "user" if edit.kind == EditKind.EXCLUDE_USER else "item",
        "target": edit.target,
        "mark": mark(edit),
        "values": list(new.items()) if edit.kind == EditKind.CHANGE else [],
        "by": edit.made_by.username if edit.made_by else "",
        "at": moment(edit.made_at),
    }
