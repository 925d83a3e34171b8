"""Bearer authentication."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import HttpBearer

from webapp.accounts.tokens import user_of_token


class TokenAuth(HttpBearer):
    """``Authorization: Bearer darec_<lookup>_<secret>``; the request then acts as the token's user."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """The token's user, or None, which is answered 401."""
        user: User | None = user_of_token(token)
        if user is not None:
            request.user = user
        return user
