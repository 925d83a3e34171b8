"""What all answers of the API have in common: entity tags, rate headers, one error shape for what Django itself refuses."""

import hashlib
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags, quote_etag

from webapp.api.errors import BY_STATUS, DOCUMENT
from webapp.api.rates import add_rate_headers
from webapp.failures import api_error

PREFIX = "/api/v1/"
_KEPT = ("Cache-Control", "ETag", "Vary")
_SAID = {405: "This address does not know this method; the header Allow names those that it knows."}


def api_answers(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Complete the answers below ``/api/v1/``."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        return complete(request, response) if request.path.startswith(PREFIX) else response

    return middleware


def complete(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """One answer below ``/api/v1/``, as it leaves; the ETag that it has is kept."""
    if response.status_code >= 400 and not response.get("Content-Type", "").startswith("application/json"):
        response = _shaped(response)
    response = _conditional(request, response)
    add_rate_headers(request, response)
    return response


def _shaped(response: HttpResponseBase) -> HttpResponse:
    said = _SAID.get(response.status_code, response.reason_phrase)
    shaped = JsonResponse(
        api_error(BY_STATUS.get(response.status_code, "malformed"), said, DOCUMENT), status=response.status_code
    )
    if response.has_header("Allow"):
        shaped["Allow"] = response["Allow"]
    return shaped


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Name what a GET got by the hash of its body; 304 where the client has just that."""
    patch_vary_headers(response, ["Authorization"])
    if request.method != "GET" or response.status_code != 200:
        response.headers.setdefault("Cache-Control", "no-store")
        return response
    # It belongs to one person, and may be another one the next moment.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if not isinstance(response, HttpResponse):
        return response
    if not response.has_header("ETag"):
        response["ETag"] = quote_etag(hashlib.sha256(response.content).hexdigest()[:32])
    tag = response["ETag"]
    asked = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" not in asked and tag.removeprefix("W/") not in {other.removeprefix("W/") for other in asked}:
        return response
    unchanged = HttpResponseNotModified()
    for name in _KEPT:
        unchanged[name] = response[name]
    return unchanged
