"""Bearer tokens ``darec_<lookup>_<secret>``. The secret is shown once; only its keyed hash is kept."""

import datetime
import secrets

from django.contrib.auth.models import User
from django.utils import timezone

from webapp.accounts.keyed import digest, same
from webapp.accounts.models import ApiToken, Scope

_PREFIX = "darec"
_PURPOSE = "darec api token"
_USE_IS_NOTED_AFTER = datetime.timedelta(minutes=1)


def issue_token(user: User, name: str, days: int | None, scope: Scope = Scope.LAUNCH) -> tuple[ApiToken, str]:
    """A new token that is good for ``days`` (None: for ever), and its text, which nobody can see again."""
    lookup, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    expires = timezone.now() + datetime.timedelta(days=days) if days else None
    token = ApiToken.objects.create(
        user=user, name=name, lookup=lookup, digest=digest(_PURPOSE, secret), scope=scope, expires_at=expires
    )
    return token, f"{_PREFIX}_{lookup}_{secret}"


def find_token(text: str) -> ApiToken | None:
    """The valid token ``text`` with its user; None if it is unknown, wrong, expired or revoked, or its user inactive."""
    lookup = lookup_of(text)
    token = ApiToken.objects.select_related("user").filter(lookup=lookup).first() if lookup else None
    return token if accepts(token, text, active=token is not None and token.user.is_active) else None


def lookup_of(text: str) -> str:
    """The part of ``text`` by which a token is found; empty for a text that is none."""
    prefix, _, rest = text.partition("_")
    lookup = rest.partition("_")[0]
    return lookup if prefix == _PREFIX and lookup.isalnum() else ""


def accepts(token: ApiToken | None, text: str, *, active: bool) -> bool:
    """Whether ``text``, by which ``token`` was found, is that token, and it is good now; that it was used is noted then.

    Args:
        active: whether its user is.
    """
    secret = text.partition("_")[2].partition("_")[2]
    # In equal time also where there is no token.
    matches = same(token.digest if token else None, digest(_PURPOSE, secret))
    now = timezone.now()
    if token is None or not matches or token.revoked_at or not active or (token.expires_at and token.expires_at <= now):
        return False
    if token.last_used_at is None or now - token.last_used_at > _USE_IS_NOTED_AFTER:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return True


def user_of_token(text: str) -> User | None:
    """The user of ``find_token``."""
    token = find_token(text)
    return token.user if token else None


def revoke_token(token: ApiToken) -> None:
    """End the token's validity now; a token revoked before keeps its time."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
