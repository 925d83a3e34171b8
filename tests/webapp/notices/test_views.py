from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.webapp.people import HOSTILE, People
from webapp.accounts.models import Membership
from webapp.notices.models import Delivery, Notice, Preferences


def make_notice(people: People, name: str = "alice", **values: object) -> Notice:
    known = {"subject": "run", "outcome": "failed", "title": f"run-7 {HOSTILE}", "path": "/runs/7", "project": people.project}
    return Notice.objects.create(user=getattr(people, name), **{**known, **values})


def test_the_bell_counts_what_is_unread(
    alice: Client, bob: Client, people: People, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    assert "Notices, 0 unread" in alice.get("/searches").content.decode()
    make_notice(people)
    make_notice(people)
    make_notice(people, read_at=timezone.now())
    assert "Notices, 2 unread" in alice.get("/searches").content.decode()
    assert "Notices, 0 unread" in bob.get("/searches").content.decode()


def test_the_list_shows_them_escaped_and_marks_them(
    alice: Client, people: People, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    first, _ = make_notice(people), make_notice(people, detail=HOSTILE)
    with django_assert_max_num_queries(6):
        body = alice.get("/notices").content.decode()
    assert HOSTILE not in body
    assert 'href="/runs/7"' in body
    assert alice.post("/notices", {"read": str(first.pk)}).status_code == 302
    assert Notice.objects.filter(read_at=None).count() == 1
    alice.post("/notices")
    assert not Notice.objects.filter(read_at=None).exists()
    assert "Mark all read" not in alice.get("/notices").content.decode()
    assert alice.post("/notices", {"read": "x"}).status_code == 404


def test_nobody_marks_or_sees_those_of_others(bob: Client, people: People) -> None:
    notice = make_notice(people)
    bob.post("/notices", {"read": str(notice.pk)})
    bob.post("/notices")
    notice.refresh_from_db()
    assert notice.read_at is None
    assert "No notices" in bob.get("/notices").content.decode()


def test_who_has_left_the_project_sees_them_no_more(alice: Client, people: People) -> None:
    make_notice(people)
    Membership.objects.filter(user=people.alice).delete()
    assert "No notices" in alice.get("/notices").content.decode()


class TestPreferences:
    def post(self, client: Client, **values: str) -> str:
        return client.post("/profile/notices", {"email": "", "webhook_url": "", **values}, follow=True).content.decode()

    def test_they_are_stored_and_the_secret_is_shown_once(self, alice: Client, people: People, settings: Settings) -> None:
        settings.EMAIL_HOST = "mail.example.org"
        body = self.post(alice, email="a@example.org", email_on="on", webhook_url="https://hook.example.org/x?y=1")
        assert 'id="secret"' in body
        people.alice.refresh_from_db()
        known = Preferences.objects.get()
        assert (people.alice.email, known.email_on, known.webhook_url) == (
            "a@example.org",
            True,
            "https://hook.example.org/x?y=1",
        )
        page = alice.get("/profile/notices")
        assert 'id="secret"' not in page.content.decode()
        assert page["Cache-Control"] == "no-store"
        assert 'id="secret"' not in self.post(alice, webhook_url="https://hook.example.org/other")
        assert 'id="secret"' in self.post(alice, webhook_url="https://elsewhere.example.org/")

    def test_a_new_secret_is_another_one(self, alice: Client) -> None:
        first = self.post(alice, webhook_url="https://hook.example.org/")
        second = alice.post("/profile/notices", {"renew": "1"}).content.decode()
        secrets = {body.split('id="secret">')[1][:64] for body in (first, second)}
        assert len(secrets) == 2

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("http://hook.example.org/", "must begin with https"),
            ("http://127.0.0.1/", "must begin with https"),
            ("https://127.0.0.1/", "not a public one"),
            ("https://[::1]/", "not a public one"),
            ("https://169.254.169.254/latest", "not a public one"),
            ("https://user:secret@example.org/", "user name or password"),
            ("ftp://example.org/", "must begin with https"),
            ("https://example.org:99999/", "cannot be read"),
        ],
    )
    def test_where_nothing_may_be_sent_is_refused(self, alice: Client, url: str, words: str) -> None:
        assert words in self.post(alice, webhook_url=url)
        assert not Preferences.objects.exists()

    def test_email_needs_an_address(self, alice: Client) -> None:
        assert "Say where to." in self.post(alice, email_on="on")

    def test_a_server_without_mail_says_so(self, alice: Client) -> None:
        assert "EMAIL_URL is not set" in alice.get("/profile/notices").content.decode()

    def test_a_test_is_written_once_a_minute(self, alice: Client, people: People) -> None:
        assert "Send a test" not in alice.get("/profile/notices").content.decode()
        self.post(alice, webhook_url="https://hook.example.org/")
        assert "A test is on its way" in alice.post("/profile/notices", {"test": "1"}, follow=True).content.decode()
        assert "wait a little" in alice.post("/profile/notices", {"test": "1"}, follow=True).content.decode()
        assert Delivery.objects.get().channel == "webhook"
        Notice.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        alice.post("/profile/notices", {"test": "1"})
        assert Notice.objects.count() == 2

    def test_the_last_error_stands_on_the_profile(self, alice: Client, people: People) -> None:
        delivery = Delivery.objects.create(notice=make_notice(people), channel="webhook", tries=2, last_error="It answered 500.")
        for page in ("/profile", "/profile/notices"):
            assert "It answered 500." in alice.get(page).content.decode()
        delivery.sent_at, delivery.last_error = timezone.now(), ""
        delivery.save()
        assert "It answered 500." not in alice.get("/profile").content.decode()
