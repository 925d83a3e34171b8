"""Django admin: drafts and copied items are only looked at; edits are made on the pages of a version."""

from django.contrib import admin

from webapp.admin_base import ReadOnlyAdmin
from webapp.curation.models import CatalogueItem, Draft, DraftEdit


@admin.register(CatalogueItem)
class CatalogueItemAdmin(ReadOnlyAdmin):
    """The items of versions that somebody has curated."""

    list_display = ("item_id", "title", "interactions", "twins")
    list_filter = ("version__dataset",)
    search_fields = ("words",)
    show_full_result_count = False


@admin.register(Draft)
class DraftAdmin(ReadOnlyAdmin):
    """Which versions are edited, and what became of it."""

    list_display = ("__str__", "made", "created_by", "created_at")
    list_select_related = ("version__dataset", "made__dataset", "created_by")


@admin.register(DraftEdit)
class DraftEditAdmin(ReadOnlyAdmin):
    """Single edits."""

    list_display = ("kind", "target", "draft", "made_by", "made_at")
    list_filter = ("kind",)
    list_select_related = ("draft__version__dataset", "made_by")
    search_fields = ("target",)
