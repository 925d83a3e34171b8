"""The OpenAPI document: what ninja makes of the operations, completed by what all of them share.

Examples: ``EXAMPLES`` by operation_id, ``{"request": …, "response": …}``; the module of the operation may add its own with
``add_example``.
"""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from webapp.accounts.models import Scope
from webapp.api.auth import TokenAuth
from webapp.api.errors import CODES
from webapp.api.idempotency import HEADER

EXAMPLES: dict[str, dict[str, Any]] = {}
SCOPE_KEY = "x-scope"
_FAILURES = {
    400: "The request cannot be read.",
    401: "No valid token.",
    403: "The token's scope, or your role, does not allow it.",
    404: "There is no such thing, or it is not yours.",
    422: "A value is wrong.",
    429: "Too many requests of this token.",
    500: "Our fault.",
    503: "The database does not answer.",
}
DESCRIPTION = "\n".join(
    [
        "Upload data, launch and watch runs, compare them, ask trained models.",
        "",
        "**Tokens.** Make one on your profile page and send it as `Authorization: Bearer darec_…`. Its scope (read, launch, "
        "curate, admin; each includes those before it) and your role in a project limit it both; `x-scope` says what an "
        "operation needs.",
        "",
        f"**Sending twice.** POSTs that make something take `{HEADER}`: the same request with the same key, within a day, makes "
        "nothing again and gets the same answer, with the header `Idempotency-Replayed: true`.",
        "",
        "**Rates.** `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds) say where the token stands; beyond "
        "the limit the answer is 429 with `Retry-After` (seconds).",
        "",
        "**Unchanged.** GETs have an `ETag`; with `If-None-Match` the answer is 304 where nothing changed.",
        "",
        "**Errors** all have one shape, and the request's id, which is in `X-Request-ID` too; send one of your own if you like. "
        "Values of `code`:",
        "",
        *(f"- `{code}`: {words}" for code, words in CODES.items()),
    ]
)


def add_example(operation_id: str, *, request: Any = None, response: Any = None) -> None:
    """Show in the document what one sends (a JSON body) and what one gets (with the first status below 300)."""
    EXAMPLES[operation_id] = {"request": request, "response": response}


class DocumentedAPI(NinjaAPI):
    """An API whose document says for each operation the scope, the failures and the examples too."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """The document."""
        document = super().get_openapi_schema(**options)
        scopes = {operation.operation_id: _scope(operation) for operation in self._operations()}
        for methods in document["paths"].values():
            for method, details in methods.items():
                _complete(method, details, scopes.get(details["operationId"]))
        scheme = document["components"].get("securitySchemes", {}).get(TokenAuth.__name__)
        if scheme is not None:
            scheme["description"] = "A token of your profile page: darec_…"
        return document

    def _operations(self) -> list[Operation]:
        routers = self._get_bound_routers()
        views = [view for router in routers for view in router.path_operations.values()]
        return [operation for view in views for operation in view.operations]


def _scope(operation: Operation) -> Scope | None:
    found = [auth.needed(operation.methods[0]) for auth in operation.auth_callbacks if isinstance(auth, TokenAuth)]
    return found[0] if found else None


def _complete(method: str, details: dict[str, Any], scope: Scope | None) -> None:
    if scope is not None:
        details[SCOPE_KEY] = scope.value
    responses = {int(status): answer for status, answer in details["responses"].items()}
    failures = dict(_FAILURES)
    if "requestBody" in details:
        failures[413] = "The body is too large."
    if any(parameter.get("name") == HEADER for parameter in details.get("parameters", [])):
        failures[409] = "A request with the same key is being answered."
    for status, words in failures.items():
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}}
        responses[status] = {"description": words, "content": content}
    if method == "get":
        responses[304] = {"description": "Nothing changed since the ETag that was sent in If-None-Match."}
    details["responses"] = dict(sorted(responses.items()))
    example = EXAMPLES.get(details["operationId"], {})
    if example.get("request") is not None and "requestBody" in details:
        details["requestBody"]["content"]["application/json"]["example"] = example["request"]
    if example.get("response") is not None:
        best = details["responses"][min(responses)]
        best.setdefault("content", {}).setdefault("application/json", {})["example"] = example["response"]
