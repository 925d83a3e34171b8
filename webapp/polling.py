"""Polls that cost little: a part of a page that shows what it showed before is answered by 204, before anything is read for it.

The answer to a poll carries a stamp of what it was made from; app.js sends it along with the next poll of the same part. And
what is the same for everybody who looks at it is made once for each stamp.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from django.http import HttpResponse
from django.middleware.csrf import get_token

from webapp.http import PageRequest

SEEN, STAMP = "X-Seen", "X-Stamp"
"""Headers: of the request, of the answer."""
_TOKEN = secrets.token_urlsafe(24)
SHARED = {"csrf_token": _TOKEN}
"""In the context of all that ``shared`` makes: forms get the token of whoever asks only when it is sent. Nobody can write it."""
_KEPT = 256
CLOCK_SECONDS = 10
"""Durations on a page ("last sign of life 8 s ago") may be this old while nothing else changes."""


def stamp_of(*values: Any, clock: bool = False) -> str:
    """Stands for ``values`` (of plain types); with ``clock`` it also changes every ``CLOCK_SECONDS``."""
    known = (values, int(time.time() / CLOCK_SECONDS)) if clock else values
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]


def seen(request: PageRequest, position: int = 0) -> str:
    """The stamp that the page has; of several, which were sent with dots between, that at ``position``. Empty for none."""
    return [*request.headers.get(SEEN, "")[:200].split("."), *[""] * (position + 1)][position]


def shared(request: PageRequest, key: Hashable, make: Callable[[], HttpResponse]) -> HttpResponse:
    """The answer of ``make``, or a copy of what it answered to somebody else under the same ``key``.

    Args:
        key: names everything that the answer depends on: what is shown, its stamp, the role of whoever asks.
        make: renders with ``SHARED`` in its context; nothing of it may be a single person's.
    """
    with _lock:
        kept = _shelf.get(key)
        if kept is not None:
            _shelf.move_to_end(key)
    if kept is None:
        made = make()
        kept = (made.status_code, made.content.decode())
        with _lock:
            _shelf[key] = kept
            if len(_shelf) > _KEPT:
                _shelf.popitem(last=False)
    status, text = kept
    return HttpResponse(text.replace(_TOKEN, get_token(request)) if _TOKEN in text else text, status=status)


_shelf: OrderedDict[Hashable, tuple[int, str]] = OrderedDict()
_lock = threading.Lock()


def nothing_new(*stamps: str) -> HttpResponse:
    """The answer that leaves the page as it is."""
    return stamped(HttpResponse(status=204), *stamps)


def stamped(response: HttpResponse, *stamps: str) -> HttpResponse:
    """``response``, with the stamps for the next poll."""
    response.headers[STAMP] = ".".join(stamps)
    return response
