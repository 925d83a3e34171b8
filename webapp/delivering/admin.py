"""Django admin: promotions and lists are only looked at."""

from django.contrib import admin

from webapp.admin_base import ReadOnlyAdmin
from webapp.delivering.models import Promotion, Refresh, UserLists


@admin.register(Promotion)
class PromotionAdmin(ReadOnlyAdmin):
    """Which run was current when."""

    list_display = ("id", "dataset", "run_number", "by", "at", "superseded_at")
    list_select_related = ("dataset", "by")


@admin.register(Refresh)
class RefreshAdmin(ReadOnlyAdmin):
    """What was trained to replace a model."""

    list_display = ("id", "replaces", "version", "run", "refit", "asked_by", "asked_at")
    list_select_related = ("replaces__dataset", "version__dataset", "run", "refit", "asked_by")


@admin.register(UserLists)
class UserListsAdmin(ReadOnlyAdmin):
    """Files with lists for everybody."""

    list_display = ("id", "run", "form", "k", "state", "asked_by", "asked_at", "finished_at")
    list_filter = ("state", "form")
    list_select_related = ("run", "asked_by")
