"""What other pages show of a person's notices: how many are unread, and which way to the person fails."""

from django.contrib.auth.models import User
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from webapp.notices.models import Channel, Delivery, Notice


def unread_in_project() -> Coalesce:
    """For a query of memberships: the unread notices of each one's user about its project."""
    mine = Notice.objects.filter(user=OuterRef("user"), project=OuterRef("project"), read_at=None).order_by()
    counted = mine.values("user").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def delivery_errors(user: User) -> list[str]:
    """What went wrong with the last delivery of each channel, in words; nothing of a channel that works."""
    last = Delivery.objects.filter(notice__user=user).order_by("channel", "-id").distinct("channel")
    return [f"{Channel(row.channel).label.capitalize()}: {row.last_error}" for row in last if row.last_error and not row.sent_at]
