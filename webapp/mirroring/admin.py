"""Django admin: what was mirrored to MLflow, and what went wrong."""

from django.contrib import admin

from webapp.admin_base import ReadOnlyAdmin
from webapp.mirroring.models import Mirror


@admin.register(Mirror)
class MirrorAdmin(ReadOnlyAdmin):
    """How far each run is."""

    list_display = ("run", "remote_id", "told_event", "finished_at", "tries", "next_try_at", "last_error")
    list_select_related = ("run",)
