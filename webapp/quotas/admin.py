"""Django admin: a project's own limits, and what it uses."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from webapp.admin_base import ReadOnlyAdmin
from webapp.audit.trail import differences, record
from webapp.quotas.models import MonthOfWork, ProjectQuota, StoredFolder

_LIMITS = ("disk_gb", "queued_runs", "run_hours", "month_hours")


@admin.register(ProjectQuota)
class ProjectQuotaAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Limits that differ from the site's; each change is in the project's audit trail."""

    list_display = ("project", *_LIMITS)
    list_select_related = ("project",)
    search_fields = ("project__name",)
    autocomplete_fields = ("project",)

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: ProjectQuota, form: Any, change: bool) -> None:
        """Save, and say so in the audit trail."""
        before = ProjectQuota.objects.filter(pk=obj.pk).values(*_LIMITS).first() or dict.fromkeys(_LIMITS)
        super().save_model(request, obj, form, change)
        old, new = differences(before, {name: getattr(obj, name) for name in _LIMITS})
        if new:
            record(request.user, obj.project, "quota.changed", obj.project, old, new)  # type: ignore[arg-type]


@admin.register(StoredFolder)
class StoredFolderAdmin(ReadOnlyAdmin):
    """How large folders of the storage are."""

    list_display = ("key", "project", "size", "measured_at")
    list_filter = ("project",)
    list_select_related = ("project",)


@admin.register(MonthOfWork)
class MonthOfWorkAdmin(ReadOnlyAdmin):
    """What workers spent on each project."""

    list_display = ("project", "month", "seconds")
    list_filter = ("project",)
    list_select_related = ("project",)
