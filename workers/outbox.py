"""Every kind of row that waits for a worker, and the message that asks for it: what a broker that forgets is told again.

Searches and mirrors wait too; beat looks for them (``searches.look``, ``mlflow.look``), because whether they are due takes more
than a query.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, Max, Model, Q, QuerySet
from django.db.models.functions import Now

from webapp.broker import (
    ANSWER_TASK,
    COMPARE_RUNS_TASK,
    COMPARE_TASK,
    DELIVER_TASK,
    DERIVE_TASK,
    EXECUTE_TASK,
    INGEST_TASK,
    LISTS_TASK,
    SERVE_TASK,
)
from webapp.comparing.models import RunComparison
from webapp.datasets.models import Derived, DerivedState, Question, QuestionState, Version, VersionState
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.groups import standings
from webapp.experiments.models import Run, RunGroup, RunState
from webapp.notices.models import Delivery
from webapp.serving.models import Ask, AskState

UNCLAIMED = 6
"""Nobody claims a comparison, so it is asked for again after that many times as long as what is claimed."""
YOUNG = timedelta(minutes=10)
"""So long after its last run ended a group is looked at again: the message that asked to compare it may be lost."""
AT_ONCE = 100
"""At most so many messages are sent again for a kind of row in one look."""


@dataclass(frozen=True)
class Waiting:
    """A kind of row.

    Attributes:
        task: what a worker is asked.
        rows: those that have waited for so many seconds, the first one first.
        asked: the column that says when it was last asked for; it is moved on where nobody claims the row. Empty: a claim does.
        worth: whether there really is something to do for a row; asked of each.
    """

    task: str
    rows: "Callable[[float], QuerySet[Any]]"
    asked: str = ""
    worth: Callable[[Any], bool] = lambda row: True

    def due(self, seconds: float) -> list[int]:
        """Primary keys of what is to be asked for again, now; they count as asked."""
        found = list(self.rows(seconds * (UNCLAIMED if self.asked else 1))[:AT_ONCE])
        if found and self.asked:
            model: type[Model] = type(found[0])
            model._default_manager.filter(pk__in=[row.pk for row in found]).update(**{self.asked: Now()})
        return [row.pk for row in found if self.worth(row)]


def _before(seconds: float) -> Any:
    return Now() - timedelta(seconds=seconds)


def _since(model: type[Model], column: str, **where: Any) -> "Callable[[float], QuerySet[Any]]":
    """Rows that are as ``where`` says, and whose ``column`` is so many seconds ago; the oldest first."""

    def rows(seconds: float) -> "QuerySet[Any]":
        found = model._default_manager.filter(**where, **{f"{column}__lt": _before(seconds)})
        return found.only("pk").order_by(column, "pk")

    return rows


def _groups(seconds: float) -> "QuerySet[RunGroup]":
    """Groups of which a run has succeeded since they were last looked at, or not long before."""
    succeeded = Q(variants__runs__state=RunState.SUCCEEDED)
    groups = RunGroup.objects.annotate(ended=Max("variants__runs__finished_at", filter=succeeded))
    again = Q(ended__gt=Now() - YOUNG, comparison_asked_at__lt=_before(seconds))
    due = Q(comparison_asked_at=None) | Q(comparison_asked_at__lt=F("ended")) | again
    return groups.filter(due, ended__lt=_before(seconds)).order_by("pk")


def _uncompared(group: RunGroup) -> bool:
    return any(standing.waiting for standing in standings(group))


WAITING = (
    Waiting(EXECUTE_TASK, _since(Run, "queued_at", state=RunState.QUEUED)),
    Waiting(INGEST_TASK, _since(Version, "created_at", state=VersionState.QUEUED)),
    Waiting(ANSWER_TASK, _since(Question, "asked_at", state=QuestionState.ASKED)),
    Waiting(DERIVE_TASK, _since(Derived, "asked_at", state=DerivedState.QUEUED)),
    Waiting(LISTS_TASK, _since(UserLists, "asked_at", state=ListsState.QUEUED)),
    # A further try of what failed is asked for here too.
    Waiting(DELIVER_TASK, _since(Delivery, "next_try_at", sent_at=None)),
    Waiting(SERVE_TASK, _since(Ask, "asked_at", state=AskState.ASKED, taken_at=None)),
    Waiting(COMPARE_RUNS_TASK, _since(RunComparison, "asked_at", answered_at=None), asked="asked_at"),
    Waiting(COMPARE_TASK, _groups, asked="comparison_asked_at", worth=_uncompared),
)
