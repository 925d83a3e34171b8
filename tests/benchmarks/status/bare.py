"""The yardstick: a bare Django with one view that answers JSON, and nothing else. It is served as the site is."""

import json
import os

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

BODY = "BARE_BODY"
"""Name in the environment of the JSON object that is answered."""

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], MIDDLEWARE=[], SECRET_KEY="none", USE_TZ=True)
_VALUES = json.loads(os.environ.get(BODY, "{}"))


def status(request: HttpRequest) -> JsonResponse:
    """As large an answer as the site's, made JSON anew each time."""
    return JsonResponse(_VALUES)


urlpatterns = [path("status", status)]
application = get_asgi_application()
