"""Searching the items of a version, with what the draft says about each; items that look the same."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

from webapp.curation.models import CatalogueItem, Draft, DraftEdit, EditKind
from webapp.datasets.models import Version
from webapp.display import count

ITEMS_A_PAGE = 50
MOST_WORDS = 8
MOST_FOUND = 1000
"""A search that finds more asks for another word."""


def find_items(version: Version, query: str) -> QuerySet[CatalogueItem]:
    """Items with each word of ``query`` in their id, title or categories, those with the most interactions first."""
    found = CatalogueItem.objects.filter(version=version)
    for word in query.lower().split()[:MOST_WORDS]:
        found = found.filter(words__contains=word)
    return found.order_by("-interactions", "id")


def item_pages(version: Version, query: str) -> "Paginator[int]":
    """Primary keys of the found items in pages. A search looks through the items once, and lists at most ``MOST_FOUND``."""
    found = find_items(version, query).values_list("pk", flat=True)
    if query:
        return Paginator(list(found[:MOST_FOUND]), ITEMS_A_PAGE)
    pages = Paginator(found, ITEMS_A_PAGE)
    # Known without counting a hundred thousand rows.
    pages.count = version.items or 0
    return pages


def items_of(pks: list[int]) -> list[CatalogueItem]:
    """The items with these primary keys, in this order."""
    known = CatalogueItem.objects.in_bulk(pks)
    return [known[pk] for pk in pks if pk in known]


def item_rows(draft: Draft | None, items: list[CatalogueItem]) -> list[dict[str, Any]]:
    """What the list shows of ``items``, as they will be."""
    edits = draft_edits(draft, [item.item_id for item in items])
    return [item_row(item, edits.get(item.item_id, [])) for item in items]


def item_row(item: CatalogueItem, edits: list[DraftEdit]) -> dict[str, Any]:
    """One item as the draft will make it, with marks that say what is edited."""
    values: dict[str, Any] = next((edit.values for edit in edits if edit.kind == EditKind.CHANGE), {})
    marks = [mark(edit) for edit in edits]
    categories = values.get("categories", item.categories)
    return {
        "pk": item.pk,
        "id": item.item_id,
        "title": values.get("title", item.title) or item.item_id,
        "was": item.title if "title" in values else "",
        "categories": " | ".join(categories),
        "description": values.get("description", item.description),
        "interactions": count(item.interactions),
        "marks": marks,
    }


def mark(edit: DraftEdit) -> str:
    """An edit in a few words."""
    if edit.kind == EditKind.MERGE:
        return f"merged into {edit.values['into']}"
    if edit.kind == EditKind.CHANGE:
        return f"{', '.join(edit.values)} changed"
    return "left out"


def draft_edits(draft: Draft | None, ids: list[str]) -> dict[str, list[DraftEdit]]:
    """The draft's edits of these items, by id."""
    found: dict[str, list[DraftEdit]] = {}
    if draft is None:
        return found
    kinds = (EditKind.CHANGE, EditKind.MERGE, EditKind.EXCLUDE_ITEM)
    for edit in draft.edits.filter(target__in=ids, kind__in=kinds).order_by("pk"):
        found.setdefault(edit.target, []).append(edit)
    return found


def twin_keys(version: Version) -> QuerySet[CatalogueItem, str]:
    """The title keys that several items share, in order."""
    shared = CatalogueItem.objects.filter(version=version, twins__gt=0)
    return shared.order_by("title_key").values_list("title_key", flat=True).distinct()


def twin_groups(version: Version, draft: Draft | None, keys: list[str]) -> list[dict[str, Any]]:
    """For each of ``keys`` its items, the one with the most interactions first; ``open`` is False if all others are edited."""
    shared = CatalogueItem.objects.filter(version=version, twins__gt=0, title_key__in=keys).order_by("-interactions", "id")
    groups: dict[str, list[CatalogueItem]] = {key: [] for key in keys}
    for item in shared:
        groups[item.title_key].append(item)
    edits = draft_edits(draft, [item.item_id for items in groups.values() for item in items])
    rows = {key: [item_row(item, edits.get(item.item_id, [])) for item in items] for key, items in groups.items()}
    return [{"key": key, "items": items, "open": sum(not item["marks"] for item in items) > 1} for key, items in rows.items()]
