"""Each request has an id: in the header ``X-Request-ID`` of its answer, in the body of an error, in every line of the log."""

import logging
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_KEPT = "_request_id"
_CURRENT: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _CURRENT.get()


def sane_request_id(given: str) -> str:
    """``given`` if it is a plain word of 64 characters at most; otherwise a new id. Anything else could fill the log."""
    return given if _SANE.fullmatch(given) else uuid.uuid4().hex


@contextmanager
def answering(known: str) -> Iterator[None]:
    """While this lasts, the request with this id is answered here."""
    token = _CURRENT.set(known)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def request_ids(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Keep the id that a proxy or client gave, if it is sane; otherwise make one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        known = current_request_id() or sane_request_id(request.headers.get(HEADER, ""))
        setattr(request, _KEPT, known)
        with answering(known):
            response = get_response(request)
        response[HEADER] = known
        return response

    return middleware


def request_id_of(record: logging.LogRecord) -> str:
    """The id of the request that a line of the log is about; empty where it is about none."""
    # Django writes "Not Found: /…" when all middleware is done; it hands the request over.
    return current_request_id() or getattr(getattr(record, "request", None), _KEPT, "")
