"""Bringing notices to people by e-mail and webhook: tried again with growing pauses, and given up in the end."""

import json
import logging
import smtplib
import time
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.db.models.functions import Now

from engine.errors import UserError
from engine.plain_text import many_lines, one_line
from webapp.accounts.models import Membership
from webapp.notices.models import Channel, Delivery, Notice, Preferences
from webapp.notices.webhooks import read_webhook, secret_of, sign
from workers.webhook import post

_log = logging.getLogger(__name__)
PAUSES = (30, 120, 600, 1800, 7200)
"""Seconds before each further try; after the last one it is given up."""


def deliver(pk: int) -> bool:
    """Try delivery ``pk`` once if it is due; True if it was sent.

    The reaper asks for it when its next try has come. A worker that dies in between leaves it to be tried again: it may then
    arrive twice, under one number.
    """
    # The clock of the database alone counts: the next try may be another machine's.
    due = Delivery.objects.filter(pk=pk, sent_at=None, next_try_at__lte=Now())
    tries = due.values_list("tries", flat=True).first()
    if tries is None:
        return False
    pause = PAUSES[tries] if tries < len(PAUSES) else None
    later = None if pause is None else Now() + timedelta(seconds=pause)
    # The one that counts the try makes it.
    if not due.filter(tries=tries).update(tries=F("tries") + 1, next_try_at=later):
        return False
    delivery = Delivery.objects.select_related("notice__user").get(pk=pk)
    try:
        _send(delivery)
    except UserError as error:
        return _failed(delivery, str(error.message))
    except (OSError, smtplib.SMTPException) as error:
        # What a mail server says may hold addresses, and more: people are told the kind of trouble.
        _log.warning("%s: %s", delivery, type(error).__name__)
        return _failed(delivery, f"The mail server did not take it ({type(error).__name__}).")
    Delivery.objects.filter(pk=pk).update(sent_at=Now(), next_try_at=None, last_error="")
    return True


def _failed(delivery: Delivery, error: str) -> bool:
    _log.warning("%s was not sent, try %d: %s", delivery, delivery.tries, error)
    Delivery.objects.filter(pk=delivery.pk).update(last_error=error[:300])
    return False


def _send(delivery: Delivery) -> None:
    """Raises UserError, OSError or smtplib.SMTPException."""
    notice = delivery.notice
    wanted = Preferences.objects.filter(user=notice.user).first()
    if notice.project_id is not None and not Membership.objects.filter(user=notice.user, project=notice.project_id).exists():
        raise UserError("You are no member of the project any more.")
    if delivery.channel == Channel.EMAIL:
        if wanted is None or not wanted.email_on or not notice.user.email:
            raise UserError("E-mail was switched off meanwhile.")
        _mail(notice, notice.user.email)
    else:
        if wanted is None or not wanted.webhook_url:
            raise UserError("The webhook was taken away meanwhile.")
        _post(delivery, wanted)


def _mail(notice: Notice, address: str) -> None:
    if not settings.EMAIL_HOST:
        raise UserError("This server sends no e-mail: EMAIL_URL is not set.")
    parts = [
        one_line(notice.title) + ".",
        many_lines(notice.detail),
        link(notice),
        "You get this because e-mail is switched on in your profile.",
    ]
    # A subject is one line, whatever stands in a name.
    subject = one_line(" ".join(f"[DARec Lab] {notice.title}".split()))[:200]
    EmailMessage(subject, "\n\n".join(part for part in parts if part), to=[address]).send()


def _post(delivery: Delivery, wanted: Preferences) -> None:
    notice = delivery.notice
    values = {
        "delivery": delivery.pk,
        "event": f"{notice.subject}.{notice.outcome}",
        "id": notice.object_id,
        "title": notice.title,
        "detail": notice.detail,
        "link": link(notice),
        "at": notice.created_at.isoformat(),
    }
    body, now = json.dumps(values).encode(), int(time.time())
    headers = {
        "User-Agent": "DARec-Lab",
        "X-DARec-Delivery": str(delivery.pk),
        "X-DARec-Timestamp": str(now),
        "X-DARec-Signature": sign(secret_of(wanted), now, body),
    }
    post(read_webhook(wanted.webhook_url), body, headers)


def link(notice: Notice) -> str:
    """Where to look: a whole address if SITE_URL is set, else the path."""
    return f"{settings.SITE_URL}{notice.path}" if notice.path else ""
