"""Django admin: questions to runs are only looked at."""

from django.contrib import admin

from webapp.admin_base import ReadOnlyAdmin
from webapp.serving.models import Ask


@admin.register(Ask)
class AskAdmin(ReadOnlyAdmin):
    """Every column of a question."""

    list_display = ("id", "run", "kind", "state", "asked_by", "asked_at", "taken_at", "answered_at")
    list_filter = ("kind", "state")
    list_select_related = ("run", "asked_by")
