"""Bearer authentication, and what a token may be used for.

Unless an operation says otherwise, GET needs the scope read and everything else launch. One that needs another says so:
``@router.delete(..., auth=TokenAuth(Scope.CURATE))``, or ``auth=TokenAuth(Scope.READ)`` for a POST that changes nothing.
"""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from webapp.accounts.models import ApiToken, Scope
from webapp.accounts.throttle import begin_try, wait_words, wrong_tokens
from webapp.accounts.tokens import find_token
from webapp.api.errors import RateLimitedError, ScopeMissingError
from webapp.api.rates import check_rate

_READING = ("GET", "HEAD", "OPTIONS")
_KNOWN = "_api_token"


class TokenAuth(HttpBearer):
    """``Authorization: Bearer darec_<lookup>_<secret>``; the request then acts as the token's user.

    Args:
        scope: what the operation needs; None: read for GET, launch for all else.
    """

    def __init__(self, scope: Scope | None = None) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """The token, or None, which is answered 401; raises RateLimitedError and ScopeMissingError."""
        found = token_of(request)
        if found is None:
            seconds = begin_try(wrong_tokens(request))
            if seconds:
                raise RateLimitedError(
                    "Too many tokens that are not valid came from your address.",
                    f"Correct the token, then try again in {wait_words(seconds)}; valid tokens are answered all the time.",
                    headers={"Retry-After": str(seconds)},
                )
            return None
        check_rate(request, found.pk)
        needed = self.needed(request.method or "")
        if not Scope(found.scope).covers(needed):
            raise ScopeMissingError(
                f"This needs a token of the scope {needed.value}; yours has the scope {found.scope}.",
                "Make another one on your profile page.",
            )
        request.user = found.user
        return found

    def needed(self, method: str) -> Scope:
        """The scope that a request by ``method`` needs."""
        return self.scope or (Scope.READ if method in _READING else Scope.LAUNCH)


def token_of(request: HttpRequest) -> ApiToken | None:
    """The valid token that the request bears, looked up once; None without one."""
    if not hasattr(request, _KNOWN):
        text = bearer_of(request)
        setattr(request, _KNOWN, find_token(text) if text else None)
    found: ApiToken | None = getattr(request, _KNOWN)
    return found


def bearer_of(request: HttpRequest) -> str:
    """What the request gives out for its token; empty without one."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text if scheme.lower() == "bearer" else ""


def remember_token(request: HttpRequest, token: ApiToken) -> None:
    """The request bears this token, which was found good: it is not looked up again."""
    setattr(request, _KNOWN, token)
