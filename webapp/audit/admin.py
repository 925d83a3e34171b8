"""Django admin: the audit trail is only looked at."""

from django.contrib import admin

from webapp.admin_base import ReadOnlyAdmin
from webapp.audit.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who changed what, newest first."""

    list_display = ("at", "username", "action", "object_name", "object_id")
    list_filter = ("action", "username")
    search_fields = ("object_name", "username")
    ordering = ("-pk",)
