"""Django admin: searches are only looked at; what happens to them happens through their pages and workers."""

from django.contrib import admin

from webapp.admin_base import ReadOnlyAdmin
from webapp.searches.models import Search, SearchTrial


@admin.register(Search)
class SearchAdmin(ReadOnlyAdmin):
    """Every column of a search."""

    list_display = ("__str__", "state", "project", "version", "at_once", "created_by", "created_at", "finished_at")
    list_filter = ("state", "project")
    list_select_related = ("project", "version__dataset", "created_by")
    search_fields = ("=number", "reference")


@admin.register(SearchTrial)
class SearchTrialAdmin(ReadOnlyAdmin):
    """Every column of a trial."""

    list_display = ("__str__", "run", "state", "value", "fidelity", "parameters", "origin", "created_at")
    list_filter = ("stage", "state")
    list_select_related = ("search", "run")
