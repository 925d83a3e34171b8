"""``/metrics``. It tells numbers of all projects, so it is not for everybody."""

import ipaddress
import logging

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from webapp.accounts.models import Scope
from webapp.api.auth import token_of
from webapp.metrics.exposition import CONTENT_TYPE, Family, write
from webapp.metrics.requests import REQUESTS
from webapp.metrics.state import state_families

_log = logging.getLogger(__name__)


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """All numbers, for a token of the scope admin of an admin of the site, and for the addresses of ``METRICS_ALLOW``."""
    if not _is_allowed_address(request.META.get("REMOTE_ADDR", "")):
        token = token_of(request)
        if token is None:
            said = "Send a token of the scope admin, or come from an address in METRICS_ALLOW.\n"
            response = HttpResponse(said, status=401, content_type="text/plain; charset=utf-8")
            response["WWW-Authenticate"] = "Bearer"
            return response
        # Everybody is admin of a project of their own, and may make such a token: who may see all projects, the site says.
        if not Scope(token.scope).covers(Scope.ADMIN) or not token.user.is_staff:
            said = "This needs a token of the scope admin, made by an admin of the site.\n"
            return HttpResponse(said, status=403, content_type="text/plain; charset=utf-8")
    response = HttpResponse(write([*_state(), *REQUESTS.families()]), content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def _state() -> list[Family]:
    database = Family("dareclab_database_up", "gauge", "1 if the database answers; without it little else is known.")
    try:
        families = state_families()
    except DatabaseError as error:
        _log.warning("the database does not answer: %s", error)
        families = []
    database.add(1 if families else 0)
    return [database, *families]


def _is_allowed_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        # A socket file has no address.
        return False
    return any(address in network for network in settings.METRICS_ALLOW)
