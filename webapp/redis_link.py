"""The broker's Redis, for what may be lost: rate limits and request counts. Nothing here is ever needed to answer."""

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")
_log = logging.getLogger(__name__)
_ANSWERS_WITHIN = 0.5
"""Seconds: a page must not wait for a Redis that is away."""
_LEFT_ALONE = 5.0
"""Seconds in which a Redis that did not answer is not asked again."""


class RedisLink:
    """A connection pool that gives up quickly, and says once that it does."""

    def __init__(self, url: str) -> None:
        self._client: Any = redis.Redis.from_url(
            url.replace("redis+socket://", "unix://", 1),
            socket_connect_timeout=_ANSWERS_WITHIN,
            socket_timeout=_ANSWERS_WITHIN,
            retry=Retry(NoBackoff(), 0),
        )
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._said = False

    def ask(self, question: Callable[[Any], T]) -> T | None:
        """What ``question`` makes of the client; None where Redis does not answer."""
        if time.monotonic() < self._away_until:
            return None
        try:
            answer = question(self._client)
        except redis.RedisError as error:
            with self._lock:
                self._away_until = time.monotonic() + _LEFT_ALONE
                first, self._said = not self._said, True
            if first:
                _log.warning("Redis does not answer: rates are not limited, requests not counted together: %s", error)
            return None
        self._said = False
        return answer


@cache
def _link(url: str) -> RedisLink:
    return RedisLink(url)


def redis_link() -> RedisLink | None:
    """The broker's Redis; None where the broker is something else."""
    url = settings.BROKER_URL
    return _link(url) if url.startswith(("redis://", "rediss://", "redis+socket://")) else None
