"""What people do with their notices and with the ways by which they get them."""

import secrets
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from webapp.accounts.models import Membership
from webapp.notices.models import Notice, Preferences
from webapp.notices.webhooks import read_webhook, secret_of


def notices_for_user(user: User) -> QuerySet[Notice]:
    """The user's notices about what they may see, newest first."""
    member = Membership.objects.filter(user=user, project=OuterRef("project"))
    return Notice.objects.filter(Q(project=None) | Exists(member), user=user).order_by("-id")


def mark_read(user: User, pk: int | None = None) -> int:
    """Mark one of the user's notices read, or all of them; returns how many were unread."""
    unread = Notice.objects.filter(user=user, read_at=None)
    return (unread if pk is None else unread.filter(pk=pk)).update(read_at=timezone.now())


@transaction.atomic
def set_preferences(user: User, *, email: str, email_on: bool, webhook_url: str) -> str:
    """Store which ways the user wants; returns the new secret of the webhook, empty if there is none or it stays as it was.

    Another host gets another secret: the old one must not be able to sign for it. Raises UserError for an address to which
    nothing may be sent.
    """
    webhook = read_webhook(webhook_url) if webhook_url else None
    user.email = email
    user.save(update_fields=["email"])
    Preferences.objects.get_or_create(user=user)
    known = Preferences.objects.select_for_update().get(user=user)
    before = urlsplit(known.webhook_url).hostname or ""
    known.email_on, known.webhook_url = email_on, webhook_url
    renewed = webhook is not None and (webhook.host != before or not known.webhook_salt)
    if renewed:
        known.webhook_salt = secrets.token_hex(16)
    known.save()
    return secret_of(known) if renewed else ""


@transaction.atomic
def renew_secret(user: User) -> str:
    """A new secret for the user's webhook; the old one signs nothing more."""
    known = Preferences.objects.select_for_update().get(user=user)
    known.webhook_salt = secrets.token_hex(16)
    known.save()
    return secret_of(known)
