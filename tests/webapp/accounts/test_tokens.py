import datetime

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.webapp.people import People
from webapp.accounts.models import ApiToken
from webapp.accounts.tokens import issue_token, revoke_token, user_of_token


def test_a_token_is_its_user_and_its_use_is_noted(people: People) -> None:
    token, text = issue_token(people.alice, "sweep", 30)
    assert text.startswith(f"darec_{token.lookup}_")
    assert user_of_token(text) == people.alice
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_the_secret_is_not_kept(people: People) -> None:
    token, text = issue_token(people.alice, "sweep", None)
    secret = text.split("_", 2)[2]
    stored = [str(value) for value in ApiToken.objects.filter(pk=token.pk).values_list()[0]]
    assert not any(secret in value for value in stored)


@pytest.mark.parametrize("damage", [lambda text: text[:-1], lambda text: text + "x", lambda text: "x" + text, lambda text: ""])
def test_a_damaged_token_is_nobody(people: People, damage: "object") -> None:
    _, text = issue_token(people.alice, "sweep", None)
    assert user_of_token(damage(text)) is None  # type: ignore[operator]


def test_expired_revoked_and_inactive_are_nobody(people: People) -> None:
    token, text = issue_token(people.alice, "sweep", 1)
    assert user_of_token(text) == people.alice
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    assert user_of_token(text) is None

    token, text = issue_token(people.alice, "sweep", None)
    revoke_token(token)
    assert user_of_token(text) is None

    _, text = issue_token(people.bob, "sweep", None)
    people.bob.is_active = False
    people.bob.save()
    assert user_of_token(text) is None


def test_the_hash_is_keyed(people: People, settings: Settings) -> None:
    _, text = issue_token(people.alice, "sweep", None)
    settings.SECRET_KEY = "another" * 10
    assert user_of_token(text) is None
