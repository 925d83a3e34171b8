"""Copied items for the pages that show them."""

from tests.webapp.people import HOSTILE
from webapp.curation.models import CatalogueItem
from webapp.datasets.models import Version

ITEMS = [
    ("a", "The Matrix", ["Film", "Action"], 50, "thematrix"),
    ("b", "the matrix!", ["Film"], 30, "thematrix"),
    ("c", "The  MATRIX", [], 10, "thematrix"),
    ("d", HOSTILE, [HOSTILE], 5, "script"),
    ("e/1%", "Soap", ["Bath"], 1, "soap"),
]


def copy_items(version: Version, hostile: str = HOSTILE) -> None:
    """What the worker would copy."""
    keys = [key for *_, key in ITEMS]
    named = {HOSTILE: hostile}
    CatalogueItem.objects.bulk_create(
        CatalogueItem(
            version=version,
            item_id=item,
            title=named.get(title, title),
            categories=[named.get(category, category) for category in categories],
            description="",
            interactions=interactions,
            words="\n".join([item, title, *categories]).lower(),
            title_key=key,
            twins=keys.count(key) - 1,
        )
        for item, title, categories, interactions, key in ITEMS
    )


def item_pk(version: Version, item: str) -> int:
    """The row of an item."""
    return CatalogueItem.objects.get(version=version, item_id=item).pk


def address(version: Version, tail: str = "") -> str:
    """A page of curating a version."""
    return f"/datasets/{version.dataset_id}/versions/{version.number}/curate{tail}"
