import re
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from tests.webapp.people import People
from webapp.accounts.tokens import issue_token, user_of_token
from webapp.display import moment


def test_a_new_token_is_shown_once(alice: Client, people: People) -> None:
    response = alice.post("/profile", {"name": "nightly", "scope": "read", "days": "30", "make": "1"})
    found = re.search(r"darec_[0-9a-f]+_[\w-]{20,}", response.content.decode())
    assert found is not None
    assert user_of_token(found[0]) == people.alice
    assert response["Cache-Control"] == "no-store"
    again = alice.get("/profile").content.decode()
    assert "nightly" in again
    assert found[0] not in again


def test_a_token_needs_a_name(alice: Client, people: People) -> None:
    response = alice.post("/profile", {"name": "", "scope": "read", "days": "30"})
    assert "This field is required" in response.content.decode()
    assert people.alice.api_tokens.count() == 0


def test_revoke(alice: Client, people: People) -> None:
    token, text = issue_token(people.alice, "old", None)
    assert alice.post("/profile", {"revoke": str(token.pk)}).status_code == 302
    assert user_of_token(text) is None
    assert "revoked" in alice.get("/profile").content.decode()


def test_nobody_revokes_or_sees_another_users_token(charlie: Client, people: People) -> None:
    token, text = issue_token(people.alice, "alices-own", None)
    assert charlie.post("/profile", {"revoke": str(token.pk)}).status_code == 404
    assert user_of_token(text) == people.alice
    assert "alices-own" not in charlie.get("/profile").content.decode()


def test_the_life_of_a_token(alice: Client, people: People) -> None:
    """Made on the page with a scope and an end, used by REST, whose use the page shows, and over at once when it is revoked."""
    made = alice.post("/profile", {"name": "nightly", "scope": "read", "days": "30", "make": "1"}).content.decode()
    text = re.search(r"darec_[0-9a-f]+_[\w-]{20,}", made)
    assert text is not None
    token = people.alice.api_tokens.get()
    assert token.expires_at is not None
    assert token.last_used_at is None
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)

    def status(method: str = "get") -> int:
        return int(Client().generic(method.upper(), "/api/v1/runs", headers={"Authorization": f"Bearer {text[0]}"}).status_code)

    assert (status(), status("post")) == (200, 403)
    token.refresh_from_db()
    assert token.last_used_at is not None
    page = alice.get("/profile").content.decode()
    assert moment(token.last_used_at) in page
    assert moment(token.expires_at) in page
    people.alice.api_tokens.update(expires_at=timezone.now())
    assert status() == 401
    people.alice.api_tokens.update(expires_at=None)
    assert status() == 200
    alice.post("/profile", {"revoke": str(token.pk)})
    assert status() == 401
