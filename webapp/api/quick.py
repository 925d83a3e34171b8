"""``GET /api/v1/runs/{id}``, which scripts ask again and again, answered before sessions, forms and ninja are asked.

Only what was told before and still holds is answered here: everything else (no good token, no such run, too many requests, a
query that is none, a run that has changed) goes on to the operation ``get_run``, which says the same or what is wrong.
"""

import re
from collections.abc import Callable
from functools import cache

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch, resolve

from webapp.accounts.models import Scope
from webapp.api.auth import bearer_of
from webapp.api.errors import RateLimitedError
from webapp.api.middleware import PREFIX, complete
from webapp.api.rates import check_rate
from webapp.api.told import answer, known, look_at, remember_look

_PATH = re.compile(rf"{PREFIX}runs/([1-9][0-9]{{0,17}})")
_WAIT = re.compile(r"[0-9]{1,2}(\.[0-9]{1,6})?")
_STAMP = re.compile(r"[0-9a-f]{0,100}")
_LONGEST_WAIT = 60


def quick_polls(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer polls of a run that has not changed."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        path = _PATH.fullmatch(request.path) if request.method == "GET" else None
        return (_quickly(request, int(path[1])) if path else None) or get_response(request)

    return middleware


def _quickly(request: HttpRequest, pk: int) -> HttpResponseBase | None:
    bearer, asked = bearer_of(request), _question(request)
    if not bearer or asked is None:
        return None
    try:
        look = look_at(bearer, pk)
    except (OperationalError, InterfaceError):
        # The operation tries again, and says that the database is away.
        return None
    if look is None or not Scope(look.token.scope).covers(Scope.READ):
        return None
    remember_look(request, look)
    try:
        check_rate(request, look.token.pk)
    except RateLimitedError:
        return None
    told = known(look)
    if told is None:
        return None
    request.resolver_match = _match()
    return complete(request, answer(request, look, told, *asked, lambda: look_at(bearer, pk)))


def _question(request: HttpRequest) -> tuple[float, str] | None:
    """``wait`` and ``seen``; None for anything that the operation has to look at."""
    if not request.META.get("QUERY_STRING"):
        return 0.0, ""
    given = dict(request.GET.lists())
    wait, seen = given.pop("wait", ["0"]), given.pop("seen", [""])
    if given or len(wait) != 1 or len(seen) != 1 or not _WAIT.fullmatch(wait[0]) or not _STAMP.fullmatch(seen[0]):
        return None
    return (float(wait[0]), seen[0]) if float(wait[0]) <= _LONGEST_WAIT else None


@cache
def _match() -> ResolverMatch:
    """What requests are counted by; it is the same for each run."""
    return resolve(f"{PREFIX}runs/1")
