"""Django admin: the processes that do the work, to look at."""

from django.contrib import admin

from webapp.admin_base import ReadOnlyAdmin
from webapp.fleet.models import WorkerNode


@admin.register(WorkerNode)
class WorkerNodeAdmin(ReadOnlyAdmin):
    """What processes say of themselves."""

    list_display = ("name", "kind", "queues", "concurrency", "started_at", "heartbeat_at", "stopping")
    list_filter = ("kind",)
    search_fields = ("name", "celery_name")
