"""Django admin: runs are only looked at; what happens to them happens through their pages and workers."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from webapp.admin_base import ReadOnlyAdmin
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.experiments.models import Run, RunGroup


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Every column of a run."""

    list_display = ("__str__", "state", "method", "version", "attempt", "worker", "created_by", "created_at")
    list_filter = ("state", "method", "project")
    list_select_related = ("version__dataset", "created_by")
    search_fields = ("=id", "worker", "reference")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """The list without large columns."""
        return super().get_queryset(request).defer(*HEAVY_OF_VERSION)


@admin.register(RunGroup)
class RunGroupAdmin(ReadOnlyAdmin):
    """Every column of a group of runs."""

    list_display = ("__str__", "name", "version", "created_by", "created_at")
    list_filter = ("kind", "project")
    list_select_related = ("version__dataset", "created_by")
