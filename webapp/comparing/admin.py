"""Django admin: comparisons are only looked at."""

from django.contrib import admin

from webapp.admin_base import ReadOnlyAdmin
from webapp.comparing.models import RunComparison


@admin.register(RunComparison)
class RunComparisonAdmin(ReadOnlyAdmin):
    """Every column of a comparison."""

    list_display = ("__str__", "metric", "reference", "asked_at", "answered_at")
    list_filter = ("metric",)
