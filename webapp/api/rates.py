"""How many requests a token may make: windows of a minute by the clock, counted in Redis for all web processes together.

Where Redis is away nobody is refused. Where the broker is not Redis, each web process counts for itself.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from webapp.api.errors import RateLimitedError
from webapp.redis_link import redis_link

WINDOW = 60
"""Seconds."""
_COUNTED = "_api_rate"


@dataclass(frozen=True)
class Rate:
    """Where a token stands in the present window.

    Attributes:
        limit: requests allowed in a window.
        used: requests made in it, this one too.
        reset: seconds until the next window.
    """

    limit: int
    used: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """The usual headers, on every answer."""
        remaining = max(0, self.limit - self.used)
        return {"RateLimit-Limit": str(self.limit), "RateLimit-Remaining": str(remaining), "RateLimit-Reset": str(self.reset)}


def check_rate(request: HttpRequest, token: int) -> None:
    """Count the request, once, for the token with this primary key; raises RateLimitedError where it is one too many."""
    if settings.API_RATE_PER_MINUTE <= 0:
        return
    rate: Rate | None = getattr(request, _COUNTED, None) or _stand(token)
    if rate is None:
        return
    setattr(request, _COUNTED, rate)
    if rate.used > rate.limit:
        raise RateLimitedError(
            f"This token may make {rate.limit:,} requests a minute.",
            f"Try again in {rate.reset} s; wait for a run with ?wait= instead of asking again and again.",
            headers={"Retry-After": str(rate.reset)},
        )


def add_rate_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Say on the answer where the token stands, if the request was counted."""
    rate: Rate | None = getattr(request, _COUNTED, None)
    if rate is not None:
        for name, value in rate.headers.items():
            response[name] = value


def _stand(token: int) -> Rate | None:
    now = _now()
    window = int(now // WINDOW)
    used = _count(token, window)
    return None if used is None else Rate(settings.API_RATE_PER_MINUTE, used, max(1, WINDOW - int(now % WINDOW)))


def _now() -> float:
    return time.time()


def _count(token: int, window: int) -> int | None:
    link = redis_link()
    if link is None:
        return _LOCAL.count(token, window)
    key = f"dareclab:rate:{token}:{window}"

    def ask(client: Any) -> int:
        used = int(client.incr(key))
        if used == 1:
            client.expire(key, 2 * WINDOW)
        return used

    return link.ask(ask)


class _Local:
    """Counts of this process in the present window."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = -1
        self._used: dict[int, int] = {}

    def count(self, token: int, window: int) -> int:
        with self._lock:
            if window != self._window:
                self._window, self._used = window, {}
            self._used[token] = self._used.get(token, 0) + 1
            return self._used[token]


_LOCAL = _Local()
