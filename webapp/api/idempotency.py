"""``Idempotency-Key``: a request that makes something and is sent twice makes it once, and is answered twice alike.

Use it on an operation whose POST creates, beneath the router's decorator::

    @router.post("", response={201: RunOut}, operation_id="launch_run")
    @idempotent
    def launch(request, body: RunIn): ...

The operation then runs in one transaction with a row of its key. Either both are committed or neither: a process that dies
in between leaves nothing, and the same request may be sent again. Two at once: the second waits for the first, then gets its
answer. So the operation

* must keep everything in Postgres, and send messages by ``transaction.on_commit`` (as ``launch_run`` and its like do);
* must answer JSON.

Keys belong to a token and are kept for a day. Only what succeeded is kept: after an error the same key may be used again,
with another body too. The same key with another request is refused (422, idempotency_mismatch).
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from ninja.decorators import decorate_view
from ninja.operation import Operation
from ninja.utils import contribute_operation_callback

from webapp.accounts.models import ApiToken, IdempotentRequest
from webapp.api.auth import token_of
from webapp.api.errors import ApiError, ConflictError, IdempotencyMismatchError, MalformedError
from webapp.api.rates import check_rate

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(days=1)
LONGEST_KEY = 200
WAIT_SECONDS = 10.0
"""How long a request waits for one with the same key that is being answered."""
PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A word of yours, such as a UUID. The same request with the same key, within a day, does nothing again and "
    "gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
}
_LOCK_NOT_AVAILABLE = "55P03"
View = TypeVar("View", bound=Callable[..., Any])
Run = Callable[..., HttpResponse]


def idempotent(view: View) -> View:
    """Let the operation take ``Idempotency-Key``; what it must be like, the module says."""
    contribute_operation_callback(view, _describe)
    decorated: View = decorate_view(_once)(view)
    return decorated


def _describe(operation: Operation) -> None:
    extra = operation.openapi_extra or {}
    operation.openapi_extra = {**extra, "parameters": [*extra.get("parameters", []), PARAMETER]}


def _once(run: Run) -> Run:
    @wraps(run)
    def once(request: HttpRequest, **values: Any) -> HttpResponse:
        key, token = request.headers.get(HEADER), token_of(request)
        if key is None or token is None:
            return run(request, **values)
        # What runs here is around the operation, so what goes wrong here is not yet shaped.
        api = run.__self__.api  # type: ignore[attr-defined]
        try:
            check_rate(request, token.pk)
            return _answer_once(request, token, _checked(key), _hash(request), lambda: run(request, **values))
        except (ApiError, OperationalError, RequestDataTooBig, UnreadablePostError) as error:
            response: HttpResponse = api.on_exception(request, error)
            return response

    return once


def _answer_once(request: HttpRequest, token: ApiToken, key: str, hashed: str, run: Callable[[], HttpResponse]) -> HttpResponse:
    with transaction.atomic():
        row = _claim(token, key, hashed)
        if row is None:
            known = IdempotentRequest.objects.filter(token=token, key=key).first()
            if known is None:
                # Swept away, or its token deleted, in this very moment.
                raise ConflictError(f"What was known of the {HEADER} {key} has just expired.", "Send it again.", HEADER)
            if known.request_hash != hashed:
                raise IdempotencyMismatchError(
                    f"The {HEADER} {key} belongs to another request of this token.", "Use a new key for a new request.", HEADER
                )
            response = HttpResponse(known.body, status=known.status, content_type="application/json; charset=utf-8")
            response[REPLAYED] = "true"
            return response
        response = run()
        if 200 <= response.status_code < 300:
            row.status, row.body = response.status_code, response.content.decode()
            row.save(update_fields=["status", "body"])
        else:
            # Nothing was made, or not all of it: away with all, and with the key.
            transaction.set_rollback(True)
        return response


def _claim(token: ApiToken, key: str, hashed: str) -> IdempotentRequest | None:
    """The row of this key if it is new. Where another request is inserting it, wait until that one has ended."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{int(WAIT_SECONDS * 1000)}ms'")
            row = IdempotentRequest.objects.create(token=token, key=key, request_hash=hashed)
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
            return row
    except IntegrityError:
        return None
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise ConflictError(
            f"A request with the {HEADER} {key} is being answered.", "Send it again in a few seconds.", HEADER
        ) from error


def _checked(key: str) -> str:
    if not 0 < len(key) <= LONGEST_KEY or not all("!" <= letter <= "~" for letter in key):
        raise MalformedError(
            f"{HEADER} must be 1 to {LONGEST_KEY} printable ASCII characters without spaces.", "Use a UUID.", HEADER
        )
    return key


def _hash(request: HttpRequest) -> str:
    start = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(start + request.body).hexdigest()
