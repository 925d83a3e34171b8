"""How long one stays signed in: until nothing was done for a while, and in any case until so long after the sign-in."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

_BEGUN, _DONE = "begun", "done"
_WITHOUT = ("/api/", "/healthz", "/readyz", "/metrics")
"""Addresses that know no sessions: they answer while the database is away, too."""
_EXACT = 20
"""The last time that something was done is known to a twentieth of the time that one may do nothing: not each request writes."""


def session_ages(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """End sessions that are too old; what a page asks for by itself does not keep one alive."""

    def middleware(request: HttpRequest) -> HttpResponse:
        asked = settings.SESSION_COOKIE_NAME in request.COOKIES and not request.path.startswith(_WITHOUT)
        if asked and request.user.is_authenticated:
            _look(request)
        return get_response(request)

    return middleware


def on_sign_in(request: HttpRequest | None = None, **_: Any) -> None:
    """Receives ``user_logged_in``: the clock starts."""
    if request is not None and hasattr(request, "session"):
        request.session[_BEGUN] = request.session[_DONE] = int(time.time())


def _look(request: HttpRequest) -> None:
    now, session = int(time.time()), request.session
    # A session from before there were clocks starts now.
    begun, done = session.get(_BEGUN, now), session.get(_DONE, now)
    if now - begun > settings.SESSION_MAX_SECONDS or now - done > settings.SESSION_COOKIE_AGE:
        logout(request)
        return
    if _BEGUN not in session:
        session[_BEGUN] = now
    by_itself = request.method == "GET" and "HX-Request" in request.headers
    if _DONE not in session or (not by_itself and now - done > settings.SESSION_COOKIE_AGE / _EXACT):
        session[_DONE] = now
