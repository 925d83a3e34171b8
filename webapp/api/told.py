"""What REST tells of a run, made JSON once for each state of its rows: who asks again costs one query, and no making.

A row's version in Postgres (xmin and ctid) changes with every write to it, whichever column that is, so it stands for all that
the answer shows. Layers and samples are written in the transaction that ends the run (workers.outcome), so the run's own row
stands for them too. The star alone is a person's own: there is an answer with it, and one without.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import quote_etag
from ninja.responses import NinjaJSONEncoder
from psycopg import Cursor
from psycopg.errors import DuplicatePreparedStatement, FeatureNotSupported, InvalidSqlStatementName

from webapp.accounts.models import ApiToken, Membership
from webapp.accounts.tokens import accepts, lookup_of
from webapp.api.auth import bearer_of, remember_token
from webapp.api.run_schemas import run_out
from webapp.api.watch import RUNS, in_reader, release_connection
from webapp.datasets.models import Dataset, Version
from webapp.experiments.access import get_run_to_tell
from webapp.experiments.models import ACTIVE_STATES, Run, RunStar
from webapp.experiments.stamps import Sight, stamp_of_run

JSON = "application/json; charset=utf-8"
_MOST, _MOST_BYTES = 256, 32 * 1024 * 1024
"""Answers kept by a process, and how many bytes they may be together."""
_KEPT = "_look"
_TOKEN = ("id", "digest", "scope", "expires_at", "revoked_at", "last_used_at", "user_id")
# The version stands in a subquery: joins of all six tables take Postgres much longer to plan than to answer.
_SQL = f"""
    SELECT {", ".join(f"token.{name}" for name in _TOKEN)}, person.is_active,
        EXISTS (SELECT FROM {RunStar._meta.db_table} star WHERE star.user_id = person.id AND star.run_id = run.id),
        concat_ws(' ', run.xmin, run.ctid, (
            SELECT concat_ws(' ', version.xmin, version.ctid, dataset.xmin, dataset.ctid)
            FROM {Version._meta.db_table} version JOIN {Dataset._meta.db_table} dataset ON dataset.id = version.dataset_id
            WHERE version.id = run.version_id
        ))
    FROM {ApiToken._meta.db_table} token
        JOIN {User._meta.db_table} person ON person.id = token.user_id
        JOIN {Run._meta.db_table} run ON run.id = %(run)s
        JOIN {Membership._meta.db_table} member ON member.user_id = person.id AND member.project_id = run.project_id
    WHERE token.lookup = %(lookup)s
"""  # nosec B608  # names of tables and columns; values are parameters  # noqa: S608 - names of ours
_NOT_PREPARED = (InvalidSqlStatementName, DuplicatePreparedStatement, FeatureNotSupported)
"""A pooler between us and Postgres mixed up who prepared what; or a migration changed a column since."""


@dataclass(frozen=True)
class Look:
    """A token that is good, its user a member of the run's project at this moment.

    Attributes:
        rows: names the versions of all rows that the answer is made of.
    """

    token: ApiToken
    run: int
    starred: bool
    rows: str


@dataclass(frozen=True)
class Told:
    """An answer, its entity tag, and how the run stood."""

    rows: str
    body: bytes
    tag: str
    sight: Sight

    def response(self) -> HttpResponse:
        """The answer; its body is left to the caller's conditional request."""
        return HttpResponse(self.body, content_type=JSON, headers={"ETag": self.tag})


def look_at(bearer: str, pk: int) -> Look | None:
    """How run ``pk`` stands for whom the token ``bearer`` is; None where it is not good, or the run not theirs. One query."""
    lookup = lookup_of(bearer)
    if not lookup:
        return None
    values = {"run": pk, "lookup": lookup}
    row = _row_prepared(values) if connection.settings_dict["OPTIONS"].get("pool") else _row(values)
    if row is None:
        return None
    *kept, active, starred, rows = row
    token = ApiToken(lookup=lookup, **dict(zip(_TOKEN, kept, strict=True)))
    return Look(token, pk, starred, rows) if accepts(token, bearer, active=active) else None


def _row(values: dict[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(_SQL, values)
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found


def _row_prepared(values: dict[str, Any]) -> tuple[Any, ...] | None:
    """The same by a prepared statement, for connections that are kept: to plan it takes longer than to answer it."""
    connection.ensure_connection()
    kept = connection.connection
    assert kept is not None  # noqa: S101 - it was ensured
    with connection.wrap_database_errors:
        # Django prepares nothing: only this statement is.
        before, kept.prepare_threshold = kept.prepare_threshold, 0
        try:
            with Cursor(kept) as cursor:
                return cursor.execute(_SQL, values, prepare=True).fetchone()
        except _NOT_PREPARED:
            return _row(values)
        finally:
            kept.prepare_threshold = before


def look_of(request: HttpRequest, pk: int) -> Look | None:
    """``look_at`` for whom the request's token is, or what was remembered of it."""
    kept: Look | None = getattr(request, _KEPT, None)
    return kept if kept is not None and kept.run == pk else look_at(bearer_of(request), pk)


def remember_look(request: HttpRequest, look: Look) -> None:
    """The run was looked at for this request, and the token was found good: neither is done again."""
    setattr(request, _KEPT, look)
    remember_token(request, look.token)


def known(look: Look) -> Told | None:
    """What was told of these rows before; None where it was not, or that is forgotten."""
    return _SHELF.get(look)


def tell(look: Look) -> Told:
    """What was told before, or is now; raises Http404 for a run that was deleted, or taken from the user, since the look."""
    with _MAKING[look.run % len(_MAKING)]:
        # Those who wait for a run are all told of a change at once: the first one makes it.
        return _SHELF.get(look) or _SHELF.keep(look, _make(look))


def answer(
    request: HttpRequest, look: Look, told: Told, wait: float, seen: str, again: Callable[[], Look | None]
) -> HttpResponseBase:
    """``told``, or what there is to tell once the run has changed since, it has ended, or ``wait`` seconds are over.

    The answer begins at once and its body comes later, so that waiting holds no database connection. Where the run is gone
    then, or no longer the user's, the body is what they could see when they asked.

    Args:
        seen: the stamp that the client has; empty takes the present one.
        again: looks once more, after the wait.
    """
    now = told.sight
    if not wait or now.ended or (seen and seen != now.stamp):
        return told.response()
    if not isinstance(request, ASGIRequest):
        RUNS.change_here(look.run, now, wait, events=False)
        return _told_now(again, told).response()

    async def body() -> AsyncIterator[bytes]:
        found = await RUNS.change(look.run, now, wait, events=False)
        yield told.body if found is None or found.stamp == now.stamp else (await in_reader(_told_now, again, told)).body

    release_connection()
    return StreamingHttpResponse(body(), content_type=JSON)


def _told_now(again: Callable[[], Look | None], first: Told) -> Told:
    look = again()
    try:
        return tell(look) if look else first
    except Http404:
        return first


def _make(look: Look) -> Told:
    run = get_run_to_tell(User(pk=look.token.user_id), look.run)
    # The rows are read after they were looked at, so what is told is never older than they; the star may not be newer either,
    # as others get this answer too.
    run.starred = look.starred  # type: ignore[attr-defined]
    body = json.dumps(run_out(run).model_dump(), cls=NinjaJSONEncoder).encode()
    tag = quote_etag(hashlib.sha256(body).hexdigest()[:32])
    return Told(look.rows, body, tag, Sight(stamp_of_run(run), run.state not in ACTIVE_STATES))


class _Shelf:
    """The last answer of each run, those asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: OrderedDict[tuple[int, bool], Told] = OrderedDict()
        self._bytes = 0

    def get(self, look: Look) -> Told | None:
        key = (look.run, look.starred)
        with self._lock:
            found = self._told.get(key)
            if found is None or found.rows != look.rows:
                return None
            self._told.move_to_end(key)
            return found

    def keep(self, look: Look, told: Told) -> Told:
        key = (look.run, look.starred)
        with self._lock:
            before = self._told.pop(key, None)
            self._told[key] = told
            self._bytes += len(told.body) - (len(before.body) if before else 0)
            while len(self._told) > _MOST or self._bytes > _MOST_BYTES:
                self._bytes -= len(self._told.popitem(last=False)[1].body)
        return told


_SHELF = _Shelf()
_MAKING = tuple(threading.Lock() for _ in range(16))
