"""What all operations share: whose token it is, the errors that each may answer, ids, cursors, and answers that come later."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypeVar

from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from ninja import Path, Query, Schema
from ninja.responses import NinjaJSONEncoder
from pydantic import ConfigDict, Field

from engine.errors import UserError
from webapp import keyset
from webapp.api.schemas import ErrorOut
from webapp.api.watch import Watched, in_reader, release_connection

M = TypeVar("M", bound=Model)
MOST_ID = 2**63 - 1
ERRORS: dict[int, Any] = dict.fromkeys((400, 401, 403, 404, 409, 422, 429, 500), ErrorOut)
"""What every operation may answer beside its own."""

# In bodies, pydantic would else take 0 for false, true for 1, and "5" for 5, which is not what the document says.
Flag = Annotated[bool, Field(strict=True)]
"""true or false in a body."""
Whole = Annotated[int, Field(strict=True)]
"""A whole number in a body."""
Amount = Annotated[float, Field(strict=True)]
"""A number in a body."""
Id = Annotated[int, Field(strict=True, ge=1, le=MOST_ID)]
"""A primary key in a body."""
PathId = Annotated[int, Path(description="an id; one that is none, or none that you may see, is answered 404")]
Limit = Annotated[int, Query(ge=1, le=200, description="rows of a page")]
Cursor = Annotated[str, Query(max_length=2000, description="`next` of the page before; empty for the first page")]
Wait = Annotated[
    float, Query(ge=0, le=60, description="seconds to wait for a change since `seen`, or since now; 0 answers at once")
]
Seen = Annotated[str, Query(max_length=100, description="`stamp` of an earlier answer: one that differs is answered at once")]


def user_of(request: HttpRequest) -> User:
    """Whose token the request bears."""
    # The bearer check has put the token's user there; nobody else reaches these functions.
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def example(**values: Any) -> ConfigDict:
    """The configuration of a schema with one example."""
    return ConfigDict(json_schema_extra={"examples": [values]})


def page_of(query: "QuerySet[M]", limit: int, cursor: str, order: keyset.Order | None = None) -> keyset.Page[M]:
    """A page by keyset; raises UserError for a cursor that is none of this list."""
    order = order or keyset.Order()
    if cursor and not keyset.is_cursor(cursor, order):
        raise UserError("cursor: it is none of this list.", "Take `next` of an answer to the same question, or leave it out.")
    return keyset.fetch(query, order, limit, after=cursor)


def waited(
    request: HttpRequest, watched: Watched, pk: int, wait: float, seen: str, make: Callable[[], Schema]
) -> HttpResponseBase | Schema:
    """What ``make`` makes of a row that the user may see, once it has changed, it has ended, or ``wait`` seconds are over.

    The answer begins at once and its body comes later, so that waiting holds no database connection. Where the
    row is gone then, or no longer the user's, the body is what they could see when they asked.

    Args:
        make: makes the answer; asks the database; raises Http404.
        seen: the stamp that the client has; empty takes the present one.
    """
    if not wait:
        return make()
    now = watched.sight(pk)
    first = make()
    if now is None or now.ended or (seen and seen != now.stamp):
        return first
    if not isinstance(request, ASGIRequest):
        watched.change_here(pk, now, wait, events=False)
        return make()

    async def body() -> AsyncIterator[bytes]:
        # A new event alone is no change.
        changed = await watched.change(pk, now, wait, events=False)
        yield _json(first if changed is None else await in_reader(_made_or, make, first))

    release_connection()
    return StreamingHttpResponse(body(), content_type="application/json; charset=utf-8")


def _made_or(make: Callable[[], Schema], first: Schema) -> Schema:
    try:
        return make()
    except Http404:
        return first


def _json(answer: Schema) -> bytes:
    return json.dumps(answer.model_dump(), cls=NinjaJSONEncoder).encode()
