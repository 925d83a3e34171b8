import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.header import decode_header, make_header

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from tests.support.attacks import ATTACKS, raw_controls
from tests.workers.fixtures import FAST
from tests.workers.receivers import Hook, Mailbox, http_receiver, mail_receiver
from webapp.accounts.actions import ensure_account
from webapp.accounts.models import Membership, Project
from webapp.notices.models import Delivery, Notice, Preferences
from webapp.notices.webhooks import Webhook, secret_of, sign
from workers import webhook as sending
from workers.delivering import PAUSES, deliver
from workers.reaping import Reaper
from workers.webhook import post


@pytest.fixture
def hook() -> Iterator[Hook]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def box(settings: Settings) -> Iterator[Mailbox]:
    with mail_receiver() as receiver:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", receiver.port
        yield receiver


@pytest.fixture
def ann(db: None, hook: Hook, settings: Settings) -> User:
    """Wants both."""
    settings.WEBHOOK_PRIVATE = True
    user = ensure_account("ann", "ann-secret-1", "Shop", "viewer")
    user.email = "ann@example.org"
    user.save()
    Preferences.objects.create(user=user, email_on=True, webhook_url=hook.url, webhook_salt="salt")
    return user


def make_delivery(user: User, channel: str, title: str = "run-7 has failed", **values: object) -> Delivery:
    notice = Notice.objects.create(
        user=user,
        project=Project.objects.get(),
        subject="run",
        object_id=7,
        outcome="failed",
        title=title,
        path="/runs/7",
        **values,
    )
    return Delivery.objects.create(notice=notice, channel=channel, next_try_at=timezone.now())


def test_a_webhook_is_posted_and_signed(ann: User, hook: Hook, settings: Settings) -> None:
    settings.SITE_URL = "https://lab.example.org"
    delivery = make_delivery(ann, "webhook", detail="Take a smaller batch.")
    assert deliver(delivery.pk)
    assert not deliver(delivery.pk)
    ((headers, body),) = hook.posts
    assert json.loads(body) == {
        "delivery": delivery.pk,
        "event": "run.failed",
        "id": 7,
        "title": "run-7 has failed",
        "detail": "Take a smaller batch.",
        "link": "https://lab.example.org/runs/7",
        "at": delivery.notice.created_at.isoformat(),
    }
    secret = secret_of(Preferences.objects.get())
    assert headers["x-darec-signature"] == sign(secret, int(headers["x-darec-timestamp"]), body)
    assert headers["content-type"] == "application/json"
    delivery.refresh_from_db()
    assert (delivery.tries, delivery.next_try_at, delivery.last_error) == (1, None, "")
    assert delivery.sent_at is not None


def test_mail_is_sent_by_a_real_server(ann: User, box: Mailbox) -> None:
    delivery = make_delivery(ann, "email", "run-7 <b>\r\nBcc: all@example.org has failed")
    assert deliver(delivery.pk)
    (mail,) = box.mails
    assert mail["To"] == "ann@example.org"
    assert mail["Subject"].startswith("[DARec Lab] run-7 <b> Bcc: all@example.org")
    assert mail["Bcc"] is None
    assert "/runs/7" in mail.get_payload()


def test_what_fails_is_tried_again_with_growing_pauses_and_given_up(ann: User, hook: Hook) -> None:
    hook.status = 500
    delivery = make_delivery(ann, "webhook")
    for number, pause in enumerate(PAUSES, start=1):
        assert not deliver(delivery.pk)
        delivery.refresh_from_db()
        assert (delivery.tries, delivery.last_error) == (number, "The webhook answered 500.")
        assert delivery.next_try_at is not None
        assert abs((delivery.next_try_at - timezone.now()).total_seconds() - pause) < 10
        # Not before its time.
        assert not deliver(delivery.pk)
        Delivery.objects.update(next_try_at=timezone.now())
    assert not deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.tries, delivery.next_try_at) == (len(PAUSES) + 1, None)
    assert len(hook.posts) == len(PAUSES) + 1


def test_a_later_try_that_goes_well_clears_the_error(ann: User, hook: Hook) -> None:
    hook.status = 503
    delivery = make_delivery(ann, "webhook")
    deliver(delivery.pk)
    hook.status = 204
    Delivery.objects.update(next_try_at=F("next_try_at") - timedelta(hours=1))
    assert deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.last_error == ""


def test_redirections_are_not_followed(ann: User, hook: Hook) -> None:
    hook.status = 302
    delivery = make_delivery(ann, "webhook")
    assert not deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.last_error == "The webhook answered 302. Redirections are not followed."
    assert len(hook.posts) == 1


def test_inner_addresses_are_refused_unless_allowed(ann: User, hook: Hook, settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE = False
    delivery = make_delivery(ann, "webhook")
    Preferences.objects.update(webhook_url=f"https://localhost:{hook.port}/")
    assert not deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.last_error == "The webhook's host is not a public one."
    assert hook.posts == []


def test_no_secret_comes_into_the_log_or_the_error(ann: User, box: Mailbox, hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    box.refusing, hook.status = True, 400
    for channel in ("email", "webhook"):
        delivery = make_delivery(ann, channel)
        assert not deliver(delivery.pk)
        delivery.refresh_from_db()
        assert delivery.last_error
        assert "secret-of-the-server" not in delivery.last_error
    for secret in ("secret-of-the-server", secret_of(Preferences.objects.get()), "key=1", "ann@example.org"):
        assert secret not in caplog.text


def test_without_a_mail_server_it_is_said(ann: User) -> None:
    delivery = make_delivery(ann, "email")
    assert not deliver(delivery.pk)
    delivery.refresh_from_db()
    assert "EMAIL_URL is not set" in delivery.last_error


def test_nothing_is_sent_to_who_left_the_project_or_wants_it_no_more(ann: User, hook: Hook) -> None:
    delivery = make_delivery(ann, "webhook")
    Membership.objects.all().delete()
    assert not deliver(delivery.pk)
    other = make_delivery(ann, "webhook", "x")
    ensure_account("ann", "ann-secret-1", "Shop", "viewer")
    Preferences.objects.update(webhook_url="")
    assert not deliver(other.pk)
    assert hook.posts == []


def test_an_answer_that_never_ends_is_cut_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOK_PRIVATE = True
    monkeypatch.setattr(sending, "_ALTOGETHER", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    while not ended.wait(0.05):
                        connection.sendall(b"H")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(Exception, match="did not answer"):
                post(Webhook(False, "127.0.0.1", server.getsockname()[1], "/"), b"{}", {})
        finally:
            ended.set()
            thread.join()


@pytest.mark.django_db(transaction=True)
def test_the_reaper_asks_for_what_is_due(ann: User, broker: "Redis[bytes]") -> None:
    due, later = make_delivery(ann, "webhook"), make_delivery(ann, "webhook", "later")
    Delivery.objects.filter(pk=later.pk).update(next_try_at=timezone.now() + timedelta(hours=1))
    Reaper(FAST).repeat_lost_messages()
    assert broker.llen("io") == 1
    message = json.loads(broker.lindex("io", 0))
    assert (message["headers"]["task"], message["headers"]["argsrepr"]) == ("notices.deliver", f"[{due.pk}]")


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text)[:24])
def test_attacks_stay_in_their_line_of_a_mail_and_their_string_of_json(ann: User, box: Mailbox, hook: Hook, text: str) -> None:
    text = text.replace("\x00", "")
    title = f"run-7 (sasrec on {text}) has failed"
    assert deliver(make_delivery(ann, "email", title, detail=text).pk)
    (mail,) = box.mails
    assert {name.lower() for name in mail} <= {
        *("subject", "from", "to", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding"),
    }
    subject = str(make_header(decode_header(re.sub(r"\r\n(?=[ \t])", "", mail["Subject"]))))
    assert not raw_controls(subject)
    assert len(subject.splitlines()) == 1
    assert mail.get_content_type() == "text/plain"
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert not raw_controls(body.decode().replace("\r\n", "\n"))
    assert deliver(make_delivery(ann, "webhook", title, detail=text).pk)
    ((headers, sent),) = hook.posts
    assert sent.isascii()
    assert (json.loads(sent)["title"], json.loads(sent)["detail"]) == (title, text)
    assert not any(sign in "".join(headers.values()) for sign in "\r\n\x1b")
