"""What answers when something is wrong: pages for people, one JSON shape for scripts."""

import logging
import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

_log = logging.getLogger(__name__)


def api_error(message: str, hint: str = "", **more: Any) -> dict[str, Any]:
    """The one shape of errors of the API."""
    return {"error": {"message": message, "hint": hint, **more}}


def note_our_fault(request: HttpRequest) -> str:
    """Log the request under a new reference number, by which people can name our fault; returns it."""
    reference = uuid.uuid4().hex[:8]
    _log.error("reference %s: %s %s", reference, request.method, request.path)
    return reference


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: there is nothing here, or nothing that this user may see."""
    if request.path.startswith("/api/"):
        return JsonResponse(api_error("There is nothing at this address.", "/api/v1/docs lists what there is."), status=404)
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
    if request.path.startswith("/api/"):
        hint = f"Tell an admin the reference {reference}."
        return JsonResponse(api_error("Something went wrong on our side.", hint, reference=reference), status=500)
    return HttpResponse(render_to_string("500.html", {"reference": reference}), status=500)
