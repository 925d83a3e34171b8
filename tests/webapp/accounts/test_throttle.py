"""Guessing passwords, tokens and invitations is slow; who forgot a password waits, and who is attacked does not."""

import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.webapp.api.asking import headers
from tests.webapp.people import People
from webapp.accounts import throttle
from webapp.accounts.models import FailedTry
from webapp.accounts.throttle import Counted, begin_try, succeeded

RIGHT = {"username": "alice", "password": "alice-secret-1"}
WRONG = {"username": "alice", "password": "wrong"}


class Clock:
    def __init__(self) -> None:
        self.now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.now

    def wait(self, **much: float) -> None:
        self.now += datetime.timedelta(**much)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(timezone, "now", made)
    return made


def sign_in(fields: dict[str, str], address: str = "192.0.2.1", client: Client | None = None) -> Any:
    return (client or Client()).post("/login", fields, REMOTE_ADDR=address)


def test_the_right_password_must_wait_too_and_the_page_says_how_long(people: People, clock: Clock) -> None:
    for _ in range(5):
        assert sign_in(WRONG).status_code == 200
    refused = sign_in(RIGHT)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "16"
    assert "Try again in 16 seconds" in refused.content.decode()
    clock.wait(seconds=16)
    assert sign_in(RIGHT).status_code == 302
    assert sign_in(WRONG).status_code == 200  # the count began anew


def test_waits_double_up_to_a_quarter_of_an_hour_and_are_forgotten(db: None, clock: Clock) -> None:
    one, waits = [Counted("test", "x", 3)], []
    for _ in range(14):
        assert begin_try(one) == 0
        seconds = begin_try(one)
        waits.append(seconds)
        clock.wait(seconds=seconds)
    assert waits[:6] == [0, 16, 31, 61, 121, 241]
    assert max(waits) == waits[-1] == 901
    clock.wait(hours=2)
    assert (begin_try(one), begin_try(one)) == (0, 0)


def test_names_that_nobody_has_are_answered_alike(people: People, clock: Clock) -> None:
    def story(name: str, address: str) -> list[Any]:
        answers = [sign_in({"username": name, "password": "wrong"}, address) for _ in range(7)]
        return [(one.status_code, one.content.decode().count("do not belong together")) for one in answers]

    assert story("alice", "192.0.2.1") == story("nobody-of-that-name", "192.0.2.2")


def test_capital_letters_and_spaces_are_no_way_around(people: People, clock: Clock) -> None:
    for name in ("alice", "Alice", " alice", "ALICE ", "aLice"):
        sign_in({"username": name, "password": "wrong"})
    assert sign_in(RIGHT).status_code == 429


def test_many_addresses_are_no_way_around_but_do_not_lock_out_the_person(people: People, clock: Clock) -> None:
    known = Client()
    assert sign_in(RIGHT, "192.0.2.99", known).status_code == 302
    known.post("/logout")
    for number in range(25):
        assert sign_in(WRONG, f"198.51.100.{number}").status_code == 200
    assert sign_in(RIGHT, "203.0.113.7").status_code == 429  # a browser that nobody knows waits
    assert sign_in(RIGHT, "203.0.113.8", known).status_code == 302  # hers does not, wherever she is


def test_the_mark_of_a_browser_is_for_one_account_and_cannot_be_made(people: People, clock: Clock) -> None:
    known = Client()
    sign_in({"username": "bob", "password": "bob-secret-1"}, client=known)
    known.post("/logout")
    forged = Client()
    forged.cookies[throttle.DEVICE_COOKIE] = "alice:forged"
    for number in range(25):
        sign_in(WRONG, f"198.51.100.{number}")
    assert sign_in(RIGHT, "203.0.113.1", known).status_code == 429
    assert sign_in(RIGHT, "203.0.113.2", forged).status_code == 429
    cookie = known.cookies[throttle.DEVICE_COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert "bob" not in cookie.value


def test_one_address_cannot_try_all_accounts(people: People, clock: Clock) -> None:
    for number in range(50):
        assert sign_in({"username": f"guess-{number}", "password": "wrong"}).status_code == 200
    assert sign_in({"username": "guess-50", "password": "wrong"}).status_code == 429
    assert sign_in({"username": "guess-50", "password": "wrong"}, "192.0.2.2").status_code == 200


@pytest.mark.parametrize(("address", "network"), [("2001:db8::1", "2001:db8::/64"), ("192.0.2.1", "192.0.2.1"), ("", "")])
def test_an_address_of_ipv6_counts_as_its_network(rf: Any, address: str, network: str) -> None:
    assert throttle.client_network(rf.get("/", REMOTE_ADDR=address)) == network


def test_what_is_stored_names_nobody(people: People, clock: Clock) -> None:
    sign_in(WRONG)
    assert FailedTry.objects.count() == 3
    assert not [row for row in FailedTry.objects.values_list("key", flat=True) if "alice" in row or "192.0.2" in row]
    clock.wait(days=2)
    sign_in({"username": "bob", "password": "wrong"}, "192.0.2.2")
    assert FailedTry.objects.count() == 3  # old ones are swept


def test_success_takes_back_its_own_try_alone(db: None, clock: Clock) -> None:
    counts = [Counted("own", "x", 5), Counted("shared", "x", 5)]
    for _ in range(3):
        begin_try(counts)
    succeeded(counts)
    assert [row.failures for row in FailedTry.objects.all()] == [2]


def test_the_admin_pages_have_the_same_door(people: People, clock: Clock) -> None:
    visitor = Client()
    assert visitor.get("/admin/").url == "/admin/login/?next=/admin/"  # type: ignore[attr-defined]
    assert visitor.get("/admin/login/?next=/admin/").url == "/login?next=%2Fadmin%2F"  # type: ignore[attr-defined]
    assert visitor.get("/admin/login/?next=https://evil.example/").url == "/login?next=%2Fadmin%2F"  # type: ignore[attr-defined]
    assert visitor.post("/admin/login/", RIGHT).status_code == 302
    assert "_auth_user_id" not in visitor.session
    User.objects.filter(username="bob").update(is_staff=False)
    assert people.client("bob").get("/admin/", follow=True).status_code == 403
    assert people.client("alice").get("/admin/login/?next=/admin/").url == "/admin/"  # type: ignore[attr-defined]


def test_wrong_tokens_are_answered_429_and_valid_ones_all_the_time(people: People, clock: Clock) -> None:
    def ask(given: dict[str, str]) -> Any:
        return Client().get("/api/v1/runs", headers=given)

    wrong = {"Authorization": "Bearer darec_000000000000_wrong"}
    assert {ask(wrong).status_code for _ in range(100)} == {401}
    refused = ask(wrong)
    assert (refused.status_code, refused["Retry-After"]) == (429, "16")
    assert refused.json()["error"]["code"] == "rate_limited"
    assert ask(headers(people.alice)).status_code == 200
    assert ask({}).status_code == 401


def test_wrong_invitations_are_answered_429(db: None, clock: Clock) -> None:
    answers = [Client().get(f"/join/abc{number}_wrong") for number in range(21)]
    assert [one.status_code for one in answers] == [404] * 20 + [429]
    assert "Try again in 16 seconds" in answers[-1].content.decode()
