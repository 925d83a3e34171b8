"""The ASGI application that uvicorn serves."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
_django = get_asgi_application()

from django.conf import settings  # noqa: E402

from webapp.limits import limit_bodies  # noqa: E402
from webapp.logs.carrying import carry_request_ids  # noqa: E402
from webapp.logs.printed import log_what_is_printed  # noqa: E402

_ROOM_FOR_FORMS = 1024 * 1024
# Two files may be uploaded at once, each up to the limit; the form says more exactly what was too large.
application = carry_request_ids(limit_bodies(_django, 2 * settings.UPLOAD_LIMIT_BYTES + _ROOM_FOR_FORMS))
log_what_is_printed()
