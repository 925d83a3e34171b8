"""Each request has an id: in the header ``X-Request-ID`` of its answer, in the body of an error, in every line of the log."""

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_KEPT = "_request_id"
_CURRENT: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _CURRENT.get()


def request_ids(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Keep the id that a proxy or client gave, if it is a plain word of 64 characters at most; otherwise make one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        # Anything else could break the lines of the log, or fill it.
        known = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        setattr(request, _KEPT, known)
        token = _CURRENT.set(known)
        try:
            response = get_response(request)
        finally:
            _CURRENT.reset(token)
        response[HEADER] = known
        return response

    return middleware


class RequestIdFilter(logging.Filter):
    """Gives records ``request_id``: " [id]" while a request is answered, else nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record through."""
        # Django writes "Not Found: /…" when all middleware is done; it hands the request over.
        known = current_request_id() or getattr(getattr(record, "request", None), _KEPT, "")
        record.request_id = f" [{known}]" if known else ""
        return True
