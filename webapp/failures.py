"""What answers when something is wrong: pages for people, one JSON shape for scripts."""

import logging
import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from webapp.request_ids import current_request_id

_log = logging.getLogger(__name__)


def api_error(
    code: str,
    message: str,
    hint: str = "",
    *,
    field: str | None = None,
    problems: list[dict[str, str]] | None = None,
    reference: str | None = None,
    request_id: str | None = None,
) -> dict[str, Any]:
    """The one shape of errors of the API.

    Args:
        code: for machines; ``webapp.api.errors.CODES`` lists all.
        field: dotted path of the setting that is wrong, where one is.
        problems: ``{field, message}`` of each that is.
        reference: only where it was our fault: to find it in the log.
        request_id: of the request; None: that which is being answered.
    """
    return {
        "error": {
            "code": code,
            "message": message,
            "hint": hint,
            "field": field,
            "problems": problems,
            "request_id": request_id or current_request_id(),
            "reference": reference,
        }
    }


def note_our_fault(request: HttpRequest) -> str:
    """Log the request under a new reference number, by which people can name our fault; returns it."""
    reference = uuid.uuid4().hex[:8]
    _log.error("reference %s: %s %s", reference, request.method, request.path)
    return reference


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a request that Django refuses to look at, such as one for a host name that is not ours."""
    message = "The request cannot be understood."
    if _by_script(request):
        return JsonResponse(api_error("malformed", message, "Look at its address and headers."), status=400)
    return HttpResponse(f"{message}\n", content_type="text/plain; charset=utf-8", status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: there is nothing here, or nothing that this user may see."""
    if _by_script(request):
        body = api_error("not_found", "There is nothing at this address.", "/api/v1/docs lists what there is.")
        return JsonResponse(body, status=404)
    said = exception.args[0] if isinstance(exception, Http404) and exception.args else ""
    return render(request, "404.html", {"message": said if isinstance(said, str) else ""}, status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, with the sentence that the view gave."""
    return render(request, "403.html", {"message": str(exception)}, status=403)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old."""
    message = "This form is no longer valid: it was open too long, or cookies are off. Reload the page and send it again."
    return render(request, "403.html", {"message": message}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our own fault. Rendered without the session and the database, which may be what is broken."""
    reference = note_our_fault(request)
    if _by_script(request):
        hint = f"Tell an admin the reference {reference}."
        body = api_error("internal", "Something went wrong on our side.", hint, reference=reference)
        return JsonResponse(body, status=500)
    return HttpResponse(render_to_string("500.html", {"reference": reference}), status=500)


def _by_script(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
