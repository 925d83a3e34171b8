"""Sessions: made anew at each sign-in, ended by time, by signing out, and by a new password."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.webapp.people import People
from webapp.accounts import sessions

RIGHT = {"username": "alice", "password": "alice-secret-1"}
NEW = "quite-another-77"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Clock:
    settings.SESSION_COOKIE_AGE, settings.SESSION_MAX_SECONDS = 3600, 10_000
    made = Clock()
    monkeypatch.setattr(sessions, "time", made)
    return made


@pytest.fixture
def signed_in(people: People, clock: Clock) -> Client:
    client = Client()
    assert client.post("/login", RIGHT).status_code == 302
    return client


def is_in(client: Client, **headers: str) -> bool:
    return bool(client.get("/runs", headers=headers).status_code != 302)


def test_a_session_is_made_anew_at_sign_in(people: People) -> None:
    client = Client()
    session = client.session
    session["project"] = 1
    session.save()
    client.cookies["sessionid"] = planted = str(session.session_key)
    client.post("/login", RIGHT)
    assert client.cookies["sessionid"].value != planted
    stale = Client()
    stale.cookies["sessionid"] = planted
    assert not is_in(stale)


def test_it_ends_when_nothing_was_done(signed_in: Client, clock: Clock) -> None:
    for _ in range(2):
        clock.now += 3500
        assert is_in(signed_in)
    clock.now += 3700
    assert not is_in(signed_in)


def test_what_pages_ask_by_themselves_does_not_keep_it(signed_in: Client, clock: Clock) -> None:
    clock.now += 3500
    assert is_in(signed_in, **{"HX-Request": "true"})
    clock.now += 200
    assert not is_in(signed_in, **{"HX-Request": "true"})


def test_it_ends_in_any_case_after_a_while(signed_in: Client, clock: Clock) -> None:
    for _ in range(5):
        clock.now += 1900
        assert is_in(signed_in)
    clock.now += 1900
    assert not is_in(signed_in)


def test_not_each_request_writes(signed_in: Client, clock: Clock, django_assert_num_queries: Any) -> None:
    is_in(signed_in)
    clock.now += 100
    before = signed_in.session["done"]
    is_in(signed_in)
    assert signed_in.session["done"] == before


def test_signing_out_ends_it_at_the_server(signed_in: Client) -> None:
    copy = Client()
    copy.cookies["sessionid"] = signed_in.cookies["sessionid"].value
    signed_in.post("/logout")
    assert not is_in(copy)


def test_a_new_password_ends_all_other_sessions(signed_in: Client, people: People) -> None:
    other = Client()
    other.post("/login", RIGHT)
    wrong = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
    assert signed_in.post("/profile/password", wrong).status_code == 422
    fields = {**wrong, "old_password": RIGHT["password"]}
    assert "Change password" in signed_in.get("/profile").content.decode()
    done = signed_in.post("/profile/password", fields, follow=True)
    assert "signed out everywhere else" in done.content.decode()
    assert is_in(signed_in)
    assert not is_in(other)
    assert Client().post("/login", RIGHT).status_code == 200
    assert Client().post("/login", {**RIGHT, "password": NEW}).status_code == 302


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short-1-x", "at least 10 characters"),
        ("password123", "too common"),
        ("8402847593", "entirely numeric"),
        ("alice-alice", "too similar to the username"),
    ],
)
def test_passwords_that_are_guessed_are_refused(alice: Client, password: str, words: str) -> None:
    fields = {"old_password": "alice-secret-1", "new_password1": password, "new_password2": password}
    answer = alice.post("/profile/password", fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
