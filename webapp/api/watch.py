"""Waiting for runs, searches and lists to change: who waits holds no database connection and keeps no thread busy meanwhile.

All that wait in a process share one look at the rows, every ``LOOK_SECONDS``, so that 200 clients ask no more than one does.
"""

import asyncio
import contextvars
import logging
import time
import weakref
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connection

from webapp.delivering.lists import look_at_lists
from webapp.experiments.stamps import Sight, look_at_runs
from webapp.searches.stamps import look_at_searches

_log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
Look = Callable[[Collection[int]], dict[int, Sight]]

LOOK_SECONDS = 0.4
_READERS = 4
_MOST_ID = 2**63 - 1
_executor = ThreadPoolExecutor(_READERS, thread_name_prefix="watch")


def release_connection() -> None:
    """Give this thread's database connection back before a body that comes later: Django would keep it until the body ends."""
    if not connection.in_atomic_block:
        connection.close()


async def in_reader(function: Callable[P, R], *args: P.args, **keywords: P.kwargs) -> R:
    """What ``function`` returns in a thread that gives its database connection back at once."""

    def call() -> R:
        try:
            return function(*args, **keywords)
        finally:
            connection.close()

    return await asyncio.get_running_loop().run_in_executor(_executor, call)


class _Watch:
    """Those of one event loop that wait for rows of one kind."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._waiting: dict[int, list[tuple[Sight | None, bool, asyncio.Future[Sight | None]]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def change(self, pk: int, known: Sight | None, seconds: float, *, events: bool) -> Sight | None:
        """As ``Watched.change``."""
        future: asyncio.Future[Sight | None] = asyncio.get_running_loop().create_future()
        entry = (known, events, future)
        self._waiting.setdefault(pk, []).append(entry)
        if self._task is None:
            # In a context of its own: that of this request ends with it.
            self._task = asyncio.create_task(self._go_on(), context=contextvars.Context())
        try:
            return await asyncio.wait_for(future, max(0.0, seconds))
        except TimeoutError:
            return known
        finally:
            self._waiting[pk].remove(entry)
            if not self._waiting[pk]:
                del self._waiting[pk]

    async def _go_on(self) -> None:
        try:
            while self._waiting:
                await self._look_once()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._task = None

    async def _look_once(self) -> None:
        try:
            found = await in_reader(self._look, list(self._waiting))
        except DatabaseError as error:
            # The next look may succeed; who waits is answered when their time is up.
            _log.warning("the database does not answer those who wait for changes: %s", error)
            return
        for pk, entries in self._waiting.items():
            for known, events, future in entries:
                if not future.done() and _differs(found.get(pk), known, events=events):
                    future.set_result(found.get(pk))


class Watched:
    """A kind of rows that can be waited for; ``look`` says how some of them stand."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch] = weakref.WeakKeyDictionary()

    def sight(self, pk: int) -> Sight | None:
        """How one stands now; None for one that is gone."""
        return self.look([pk]).get(pk) if abs(pk) <= _MOST_ID else None

    def change(self, pk: int, known: Sight | None, seconds: float, *, events: bool = True) -> Awaitable[Sight | None]:
        """How row ``pk`` stands once that is not ``known``, or after ``seconds``; None for one that is gone.

        Args:
            events: whether a new event alone is a change.
        """
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            self._by_loop[loop] = _Watch(self.look)
        return self._by_loop[loop].change(pk, known, seconds, events=events)

    def change_here(self, pk: int, known: Sight | None, seconds: float, *, events: bool = True) -> Sight | None:
        """``change`` for servers that are not asynchronous, where this thread waits."""
        until = time.monotonic() + seconds
        while not _differs(now := self.sight(pk), known, events=events) and time.monotonic() < until:
            time.sleep(min(LOOK_SECONDS, max(0.0, until - time.monotonic())))
        return now


def _differs(found: Sight | None, known: Sight | None, *, events: bool) -> bool:
    if events or found is None or known is None:
        return found != known
    return (found.stamp, found.ended) != (known.stamp, known.ended)


RUNS = Watched(look_at_runs)
SEARCHES = Watched(look_at_searches)
LISTS = Watched(look_at_lists)
