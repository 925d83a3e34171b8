"""The REST API. Its document is /api/v1/openapi.json; /api/v1/docs shows it without the network."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from engine.errors import SpecError, UserError
from webapp.api.auth import TokenAuth
from webapp.api.delivering import router as delivering
from webapp.api.runs import router
from webapp.api.uploads import router as uploads
from webapp.api.version_data import router as version_data
from webapp.failures import api_error, note_our_fault

_log = logging.getLogger(__name__)

api = NinjaAPI(
    title="DARec Lab",
    version="1",
    description="Upload data, launch and watch runs. Make a token on your profile page and send it as Authorization: Bearer.",
    auth=TokenAuth(),
    urls_namespace="api",
)
api.add_router("/runs", router)
api.add_router("/versions", version_data)
api.add_router("/uploads", uploads)
api.add_router("/datasets", delivering)


def _answer(request: HttpRequest, status: int, message: str, hint: str = "", **more: Any) -> HttpResponse:
    return api.create_response(request, api_error(message, hint, **more), status=status)


@api.exception_handler(AuthenticationError)
def _unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    hint = "Send a valid token as 'Authorization: Bearer darec_…'; make one on your profile page."
    response = _answer(request, 401, "The token is missing, unknown, expired or revoked.", hint)
    response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(PermissionDenied)
def _forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return _answer(request, 403, str(error))


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return _answer(request, 404, str(error))


@api.exception_handler(SpecError)
def _wrong_spec(request: HttpRequest, error: SpecError) -> HttpResponse:
    problems = [{"field": path, "message": problem} for path, problem in error.problems]
    return _answer(request, 422, error.message, error.hint, field=error.problems[0][0], problems=problems)


@api.exception_handler(UserError)
def _mistake(request: HttpRequest, error: UserError) -> HttpResponse:
    return _answer(request, 422, error.message, error.hint)


@api.exception_handler(ValidationError)
def _wrong_body(request: HttpRequest, error: ValidationError) -> HttpResponse:
    problems = [{"field": _path(detail["loc"]), "message": detail["msg"]} for detail in error.errors]
    text = "; ".join(f"{problem['field']}: {problem['message']}" for problem in problems)
    hint = "Send JSON as /api/v1/openapi.json describes it."
    return _answer(request, 422, text, hint, field=problems[0]["field"], problems=problems)


@api.exception_handler(HttpError)
def _refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _answer(request, error.status_code, str(error), "Send JSON as /api/v1/openapi.json describes it.")


@api.exception_handler(Exception)
def _our_fault(request: HttpRequest, error: Exception) -> HttpResponse:
    reference = note_our_fault(request)
    _log.error("reference %s", reference, exc_info=error)
    hint = f"Tell an admin the reference {reference}."
    return _answer(request, 500, "Something went wrong on our side.", hint, reference=reference)


def _path(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path", "values"))
