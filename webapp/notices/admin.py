"""Django admin: notices and their deliveries, to look at; never anybody's address or secret."""

from django.contrib import admin

from webapp.admin_base import ReadOnlyAdmin
from webapp.notices.models import Delivery, Notice


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """Who was told what."""

    list_display = ("title", "user", "subject", "outcome", "created_at", "read_at")
    list_select_related = ("user",)
    list_filter = ("subject", "outcome")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What was sent, and what went wrong."""

    list_display = ("notice", "channel", "tries", "next_try_at", "sent_at", "last_error")
    list_select_related = ("notice",)
    list_filter = ("channel",)
