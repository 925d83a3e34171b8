"""What the API answers where it cannot do what is asked: each kind of failure has a status, a code and words."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from engine.errors import SpecError, UserError
from webapp.failures import api_error, note_our_fault
from webapp.quotas.room import QuotaExceededError

_log = logging.getLogger(__name__)
CODES = {
    "malformed": "the request cannot be read (400)",
    "unauthenticated": "the token is missing, unknown, expired or revoked (401)",
    "forbidden": "your role in the project does not allow it (403)",
    "quota_exceeded": "the project has used up what it may have: disk, runs that wait, or hours of work (403)",
    "scope_missing": "your token's scope does not allow it (403)",
    "not_found": "there is no such thing, or it is not yours (404)",
    "method_not_allowed": "the address does not know this method (405)",
    "conflict": "something else is being done, or was done, that excludes it (409)",
    "not_ready": "what it needs is not made yet (409)",
    "too_large": "the body is too large (413)",
    "invalid": "a value is wrong: see field and problems (422)",
    "idempotency_mismatch": "this Idempotency-Key belongs to another request (422)",
    "rate_limited": "too many requests: see Retry-After (429)",
    "internal": "our fault: tell an admin the reference (500)",
    "unavailable": "the database does not answer: try again (503)",
}
"""All values of ``error.code``. Clients depend on them: none is ever renamed."""
BY_STATUS = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    422: "invalid",
    429: "rate_limited",
    503: "unavailable",
}
"""The code of a status where nothing more exact is known."""
DOCUMENT = "Send JSON as /api/v1/openapi.json describes it."


class ApiError(Exception):
    """Raised by operations; answered with its status and code.

    Attributes:
        status, code: see ``CODES``.
        hint: what to do about it.
        field: dotted path of what is wrong, where one thing is.
        headers: more headers of the answer.
    """

    status, code = 422, "invalid"

    def __init__(self, message: str, hint: str = "", field: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.field, self.headers = message, hint, field, headers or {}


class MalformedError(ApiError):
    """The request cannot be read."""

    status, code = 400, "malformed"


class ScopeMissingError(ApiError):
    """The token's scope does not allow it."""

    status, code = 403, "scope_missing"


class ConflictError(ApiError):
    """Something else is being done, or was done, that excludes what is asked."""

    status, code = 409, "conflict"


class NotReadyError(ApiError):
    """What is asked for needs something that is not made yet."""

    status, code = 409, "not_ready"


class TooLargeError(ApiError):
    """The body is larger than the operation takes."""

    status, code = 413, "too_large"


class IdempotencyMismatchError(ApiError):
    """The Idempotency-Key belongs to another request."""

    status, code = 422, "idempotency_mismatch"


class RateLimitedError(ApiError):
    """Too many requests."""

    status, code = 429, "rate_limited"


def add_error_handlers(api: NinjaAPI) -> None:
    """Give every error that an operation can raise the one shape."""

    def answer(request: HttpRequest, status: int, code: str, message: str, hint: str = "", **more: Any) -> HttpResponse:
        return api.create_response(request, api_error(code, message, hint, **more), status=status)

    def handle(kind: type[Exception], make: Callable[[HttpRequest, Any], HttpResponse]) -> None:
        api.add_exception_handler(kind, make)

    def own(request: HttpRequest, error: ApiError) -> HttpResponse:
        response = answer(request, error.status, error.code, error.message, error.hint, field=error.field)
        for name, value in error.headers.items():
            response[name] = value
        return response

    def unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        hint = "Send a valid token as 'Authorization: Bearer darec_…'; make one on your profile page."
        response = answer(request, 401, "unauthenticated", "The token is missing, unknown, expired or revoked.", hint)
        response["WWW-Authenticate"] = "Bearer"
        return response

    def wrong_spec(request: HttpRequest, error: SpecError) -> HttpResponse:
        problems = [{"field": path, "message": problem} for path, problem in error.problems]
        return answer(request, 422, "invalid", error.message, error.hint, field=error.problems[0][0], problems=problems)

    def wrong_body(request: HttpRequest, error: ValidationError) -> HttpResponse:
        problems = [{"field": _path(detail["loc"]), "message": detail["msg"]} for detail in error.errors]
        text = "; ".join(f"{problem['field']}: {problem['message']}" for problem in problems)
        return answer(request, 422, "invalid", text, DOCUMENT, field=problems[0]["field"], problems=problems)

    def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
        if isinstance(error.__cause__, ApiError):
            return own(request, error.__cause__)
        return answer(request, error.status_code, BY_STATUS.get(error.status_code, "malformed"), str(error), DOCUMENT)

    def no_value(request: HttpRequest, error: DataError) -> HttpResponse:
        hint = "Look for numbers that are too large, and for characters that no text can hold, such as NUL."
        return answer(request, 422, "invalid", "A value can neither be stored nor looked for.", hint)

    def away(request: HttpRequest, error: Exception) -> HttpResponse:
        _log.error("the database does not answer", exc_info=error)
        response = answer(request, 503, "unavailable", "The database does not answer right now.", "Try again in a few seconds.")
        response["Retry-After"] = "5"
        return response

    def our_fault(request: HttpRequest, error: Exception) -> HttpResponse:
        reference = note_our_fault(request)
        _log.error("reference %s", reference, exc_info=error)
        hint = f"Tell an admin the reference {reference}."
        return answer(request, 500, "internal", "Something went wrong on our side.", hint, reference=reference)

    handle(ApiError, own)
    handle(AuthenticationError, unauthenticated)
    handle(PermissionDenied, lambda request, error: answer(request, 403, "forbidden", str(error)))
    handle(Http404, lambda request, error: answer(request, 404, "not_found", str(error)))
    handle(SpecError, wrong_spec)
    handle(QuotaExceededError, lambda request, error: answer(request, 403, "quota_exceeded", error.message, error.hint))
    handle(UserError, lambda request, error: answer(request, 422, "invalid", error.message, error.hint))
    handle(ValidationError, wrong_body)
    handle(HttpError, refused)
    handle(RequestDataTooBig, lambda request, error: own(request, too_large()))
    handle(SuspiciousOperation, lambda request, error: answer(request, 400, "malformed", "The request is refused.", DOCUMENT))
    handle(UnreadablePostError, lambda request, error: answer(request, 400, "malformed", "The body broke off.", "Send it again."))
    handle(DataError, no_value)
    handle(OperationalError, away)
    handle(InterfaceError, away)
    handle(Exception, our_fault)


def too_large() -> TooLargeError:
    """The body of JSON is larger than Django's DATA_UPLOAD_MAX_MEMORY_SIZE."""
    return TooLargeError("The body is too large.", "Send less; files go in parts, by /api/v1/uploads.")


def _path(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path", "values"))
