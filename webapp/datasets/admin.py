"""Django admin: datasets can be renamed and described; versions are only looked at."""

from django.contrib import admin
from django.http import HttpRequest

from webapp.admin_base import ReadOnlyAdmin
from webapp.datasets.models import Dataset, Version


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Names and descriptions."""

    list_display = ("name", "project", "generated", "created_by", "created_at")
    list_filter = ("project", "generated")
    list_select_related = ("project", "created_by")
    search_fields = ("name",)
    readonly_fields = ("project", "created_by", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Datasets come from uploads."""
        return False


@admin.register(Version)
class VersionAdmin(ReadOnlyAdmin):
    """What was uploaded, and what became of it."""

    list_display = ("__str__", "state", "users", "items", "interactions", "created_at")
    list_filter = ("state", "dataset__project")
    list_select_related = ("dataset",)
    search_fields = ("dataset__name", "hash")
