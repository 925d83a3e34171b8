"""Polls that cost little: a part of a page that shows what it showed before is answered by 204, before anything is read for it.

The answer to a poll carries a stamp of what it was made from; app.js sends it along with the next poll of the same part.
"""

import hashlib
import time
from typing import Any

from django.http import HttpResponse

from webapp.http import PageRequest

SEEN, STAMP = "X-Seen", "X-Stamp"
"""Headers: of the request, of the answer."""
CLOCK_SECONDS = 10
"""Durations on a page ("last sign of life 8 s ago") may be this old while nothing else changes."""


def stamp_of(*values: Any, clock: bool = False) -> str:
    """Stands for ``values`` (of plain types); with ``clock`` it also changes every ``CLOCK_SECONDS``."""
    known = (values, int(time.time() / CLOCK_SECONDS)) if clock else values
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]


def seen(request: PageRequest, position: int = 0) -> str:
    """The stamp that the page has; of several, which were sent with dots between, that at ``position``. Empty for none."""
    return [*request.headers.get(SEEN, "")[:200].split("."), *[""] * (position + 1)][position]


def nothing_new(*stamps: str) -> HttpResponse:
    """The answer that leaves the page as it is."""
    return stamped(HttpResponse(status=204), *stamps)


def stamped(response: HttpResponse, *stamps: str) -> HttpResponse:
    """``response``, with the stamps for the next poll."""
    response.headers[STAMP] = ".".join(stamps)
    return response
