"""What waits in each queue: messages at the broker, rows in Postgres. Which queues there are, ``webapp.broker`` says."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, DateTimeField, Min, Q, QuerySet, Value
from django.db.models.functions import Cast
from django.utils import timezone
from kombu.exceptions import OperationalError

from webapp.broker import (
    ANSWER_TASK,
    COMPARE_RUNS_TASK,
    DELIVER_TASK,
    DERIVE_TASK,
    EXECUTE_TASK,
    INGEST_TASK,
    LISTS_TASK,
    QUEUES,
    SERVE_TASK,
    queue_names,
    waiting,
)
from webapp.comparing.models import RunComparison
from webapp.datasets.models import Derived, DerivedState, Question, QuestionState, Version, VersionState
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.models import Run, RunState
from webapp.notices.models import Delivery
from webapp.serving.models import Ask, AskState

_KEPT_SECONDS = 2.0
_WORDS = {
    EXECUTE_TASK: ("run", "runs"),
    INGEST_TASK: ("version to read", "versions to read"),
    ANSWER_TASK: ("question about a version", "questions about versions"),
    COMPARE_RUNS_TASK: ("comparison of runs", "comparisons of runs"),
    LISTS_TASK: ("file of recommendations to make", "files of recommendations to make"),
    SERVE_TASK: ("question to a run", "questions to runs"),
    DERIVE_TASK: ("archive or report to make", "archives or reports to make"),
    DELIVER_TASK: ("notice to send", "notices to send"),
}


@dataclass(frozen=True)
class Backlog:
    """Rows of a queue that nobody has taken.

    Attributes:
        parts: their numbers with words, e.g. "3 runs".
        oldest: when the one that waits longest began to wait.
    """

    queue: str
    rows: int = 0
    parts: list[str] = field(default_factory=list)
    oldest: datetime | None = None


def backlog() -> dict[str, Backlog]:
    """What waits, by queue, of all projects: one query."""
    first, *others = backlog_parts()
    return backlog_of(list(first.union(*others, all=True)))


def backlog_parts() -> "list[QuerySet[Any, dict[str, Any]]]":
    """Queries to be united: ``task``, ``number`` and ``oldest`` of each kind of row that waits."""
    now = timezone.now()
    return [
        _part(EXECUTE_TASK, Run.objects.filter(state=RunState.QUEUED), "queued_at"),
        _part(INGEST_TASK, Version.objects.filter(state=VersionState.QUEUED), "created_at"),
        _part(ANSWER_TASK, Question.objects.filter(state=QuestionState.ASKED), "asked_at"),
        _part(DERIVE_TASK, Derived.objects.filter(state=DerivedState.QUEUED), "asked_at"),
        _part(LISTS_TASK, UserLists.objects.filter(state=ListsState.QUEUED), "asked_at"),
        _part(COMPARE_RUNS_TASK, RunComparison.objects.filter(answered_at=None), "asked_at"),
        _part(SERVE_TASK, Ask.objects.filter(state=AskState.ASKED, taken_at=None), "asked_at"),
        _part(DELIVER_TASK, Delivery.objects.filter(Q(sent_at=None), next_try_at__lte=now), "next_try_at"),
    ]


def backlog_of(lines: "list[dict[str, Any]]") -> dict[str, Backlog]:
    """Put the lines of ``backlog_parts`` together by queue; every queue is there."""
    found: dict[str, Backlog] = {}
    for queue in queue_names():
        mine = [line for line in lines if line["number"] and QUEUES[line["task"]] == queue]
        parts = [f"{line['number']:,} {_WORDS[line['task']][line['number'] != 1]}" for line in mine]
        oldest = min((line["oldest"] for line in mine if line["oldest"]), default=None)
        found[queue] = Backlog(queue, sum(line["number"] for line in mine), parts, oldest)
    return found


def _part(task: str, rows: "QuerySet[Any]", since: str) -> "QuerySet[Any, dict[str, Any]]":
    line = rows.order_by().annotate(task=Value(task)).values("task")
    counted = line.annotate(number=Count("pk"), oldest=Cast(Min(since), DateTimeField()))
    united: QuerySet[Any, dict[str, Any]] = counted.values("task", "number", "oldest")
    return united


class _Lengths:
    """The lengths of the queues, asked at most every two seconds however many pages look; None while the broker is away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._known: dict[str, int] | None = None

    def read(self) -> dict[str, int] | None:
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    self._known = {name: waiting(name) for name in queue_names()}
                except OperationalError:
                    self._known = None
                self._until = time.monotonic() + _KEPT_SECONDS
            return self._known

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


_LENGTHS = _Lengths()


def lengths() -> dict[str, int] | None:
    """Messages that wait at the broker, by queue; None if it does not answer. May be two seconds old."""
    return _LENGTHS.read()


def forget_lengths() -> None:
    """Ask the broker anew next time; for tests."""
    _LENGTHS.forget()
