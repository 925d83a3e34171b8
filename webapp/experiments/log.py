"""A run's log: its lines by text and level, page by page from the newest back, and as a file of text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from engine.errors import UserError
from webapp.display import visible
from webapp.experiments.models import Run, RunEvent

LINES = 200
"""So many lines a page."""
LEVELS = {"all": "Everything", "warnings": "Warnings", "checkpoints": "Checkpoints"}
_TYPES = {"all": ("log", "warning", "checkpoint"), "warnings": ("warning",), "checkpoints": ("checkpoint",)}
_PLACE = re.compile(r"(\d{1,9})\.(\d{1,9})")
_LONGEST = 200
_BATCH = 2000


@dataclass(frozen=True)
class Place:
    """A line's place: lines are in the order of attempts, then of sequence numbers."""

    attempt: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.attempt}.{self.sequence}"


@dataclass(frozen=True)
class LogQuery:
    """Which lines of a log.

    Attributes:
        text: what they hold, in any case; empty for all.
        level: a key of ``LEVELS``.
        before: only lines before this place; ``after``: only lines from it on. With neither, the newest.
    """

    text: str = ""
    level: str = "all"
    before: Place | None = None
    after: Place | None = None

    @classmethod
    def read(cls, query: QueryDict) -> "LogQuery":
        """From an address; what cannot be read is as if it were not there."""
        level = query.get("level", "")
        text = query.get("text", "").replace("\x00", "").strip()[:_LONGEST]
        return cls(text, level if level in LEVELS else "all", _place(query.get("before")), _place(query.get("after")))

    def address(self) -> str:
        """As the query part of an address, with its question mark; empty where nothing is asked for."""
        values = {
            "text": self.text,
            "level": "" if self.level == "all" else self.level,
            "before": self.before,
            "after": self.after,
        }
        shown = {name: str(value) for name, value in values.items() if value}
        return f"?{urlencode(shown)}" if shown else ""

    @property
    def filter(self) -> str:
        """Text and level alone, as the query part of an address."""
        return replace(self, before=None, after=None).address()

    @property
    def follows(self) -> bool:
        """Whether it shows the newest lines, and so those to come."""
        return self.before is None and self.after is None

    def rows(self, run: Run) -> "QuerySet[RunEvent]":
        """The events that match, but for ``before`` and ``after``."""
        found = run.events.filter(type__in=_TYPES[self.level])
        if not self.text:
            return found
        words = Q(payload__message__icontains=self.text) | Q(payload__hint__icontains=self.text)
        return found.filter(words | _checkpoints_with(self.text))


@dataclass(frozen=True)
class LogPage:
    """Lines of a log, oldest first.

    Attributes:
        earlier, later: the queries for the pages beside this one; None where there is none.
        newest: the query for the newest lines.
    """

    query: LogQuery
    lines: list[dict[str, Any]]
    earlier: LogQuery | None
    later: LogQuery | None
    newest: LogQuery
    pinned: LogQuery | None


def parse_place(text: str) -> Place:
    """``2.17`` as a place; raises UserError for anything else."""
    found = _place(text)
    if found is None:
        raise UserError(f"after: got {text[:40]!r}, must be the id of an event, e.g. 1.17.", "Take it from an earlier answer.")
    return found


def beyond(rows: "QuerySet[RunEvent]", place: Place | None) -> "QuerySet[RunEvent]":
    """Those of ``rows`` after ``place``, in order; all of them after None."""
    left = rows if place is None else _not_before(rows, Place(place.attempt, place.sequence + 1))
    return left.order_by("attempt", "sequence")


def line_text(event: RunEvent) -> str:
    """What a line of the log says."""
    return visible(_words(event.type, event.payload))


def read_page(run: Run, query: LogQuery) -> LogPage:
    """The page of ``query``: one database query."""
    rows = query.rows(run)
    newest = replace(query, before=None, after=None)
    if query.after is not None:
        found = list(_not_before(rows, query.after).order_by("attempt", "sequence")[: LINES + 1])
        more, found = len(found) > LINES, found[:LINES]
        has_earlier, has_later = True, more
    else:
        backwards = rows if query.before is None else rows.filter(_less(query.before))
        found = list(backwards.order_by("-attempt", "-sequence")[: LINES + 1])
        has_earlier, has_later = len(found) > LINES, query.before is not None
        found = found[:LINES][::-1]
    earlier = later = pinned = None
    if found:
        first, last = _of(found[0]), _of(found[-1])
        following = Place(last.attempt, last.sequence + 1)
        earlier = replace(newest, before=first) if has_earlier else None
        later = replace(newest, after=following) if has_later else None
        pinned = replace(newest, before=following)
    elif not query.follows:
        # Past the last line: the way back.
        earlier = replace(newest, before=query.after) if query.after else None
    shown = [_line(event, query.text, run.attempt > 1) for event in found]
    return LogPage(query, shown, earlier, later, newest, pinned)


def last_lines(run: Run, count: int = LINES) -> list[dict[str, Any]]:
    """The last lines of the run's log, oldest first."""
    rows = LogQuery().rows(run).order_by("-attempt", "-sequence")[:count]
    return [_line(event, "", run.attempt > 1) for event in reversed(list(rows))]


def as_text(run: Run, query: LogQuery) -> Iterator[bytes]:
    """All lines that match, from first to last, as UTF-8 text in pieces; each database query reads one piece.

    A line break within a message is indented, so that no message can pass for a line of its own.
    """
    rows, place = query.rows(run).order_by("attempt", "sequence"), Place(0, 0)
    while True:
        batch = list(_not_before(rows, place)[:_BATCH])
        yield "".join(map(_text_line, batch)).encode()
        if len(batch) < _BATCH:
            return
        place = Place(batch[-1].attempt, batch[-1].sequence + 1)


def _text_line(event: RunEvent) -> str:
    when = event.created_at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    text = line_text(event).replace("\n", "\n    ")
    return f"{when} UTC  attempt {event.attempt}  {event.type:<10}  {text}\n"


def _line(event: RunEvent, wanted: str, several: bool) -> dict[str, Any]:
    text = line_text(event)
    return {
        "time": _clock(event.created_at),
        "kind": event.type,
        "attempt": event.attempt if several else None,
        "text": text,
        "parts": _parts(text, wanted),
    }


def _words(kind: str, payload: dict[str, Any]) -> str:
    if kind == "checkpoint":
        epoch = f" of epoch {payload['epoch']:,}" if payload.get("epoch") and not payload.get("best") else ""
        best = ", the best so far" if payload.get("best") else ""
        return f"checkpoint at step {payload.get('step'):,}{epoch}{best}"
    text = str(payload.get("message", ""))
    return f"{text} {payload['hint']}" if payload.get("hint") else text


def _checkpoints_with(text: str) -> Q:
    """Checkpoints whose words, which are made here and not stored, hold ``text``."""
    low = text.lower()
    fixed = Q(type="checkpoint")
    if low in "checkpoint at step ":
        return fixed
    found = Q(pk__in=())
    if low in ", the best so far":
        found |= fixed & Q(payload__best=True)
    number = low.removeprefix("checkpoint at ").removeprefix("step ").replace(",", "")
    if number.isdecimal():
        found |= fixed & Q(payload__step__icontains=number)
    return found


def _parts(text: str, wanted: str) -> list[tuple[str, bool]]:
    """``text`` cut into what is found and what is not."""
    if not wanted:
        return [(text, False)]
    pieces = re.split(f"({re.escape(wanted)})", text, flags=re.IGNORECASE)
    return [(piece, index % 2 == 1) for index, piece in enumerate(pieces) if piece]


def _clock(when: Any) -> str:
    return str(when.strftime("%H:%M:%S" if when.date() == timezone.now().date() else "%Y-%m-%d %H:%M:%S"))


def _of(event: RunEvent) -> Place:
    return Place(event.attempt, event.sequence)


def _place(text: str | None) -> Place | None:
    found = _PLACE.fullmatch(text or "")
    return Place(int(found[1]), int(found[2])) if found else None


def _less(place: Place) -> Q:
    return Q(attempt__lte=place.attempt) & (Q(attempt__lt=place.attempt) | Q(sequence__lt=place.sequence))


def _not_before(rows: "QuerySet[RunEvent]", place: Place) -> "QuerySet[RunEvent]":
    return rows.filter(Q(attempt__gte=place.attempt) & (Q(attempt__gt=place.attempt) | Q(sequence__gte=place.sequence)))
