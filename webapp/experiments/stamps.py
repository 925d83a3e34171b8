"""What the polled parts of runs and groups show, in one cheap query each: equal stamps, nothing new."""

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404

from webapp.experiments.access import runs_for_user
from webapp.experiments.models import ACTIVE_STATES, Run, RunEvent, RunGroup
from webapp.polling import stamp_of

_CHANGING = ("state", "attempt", "progress", "worker", "cancel_requested_at", "finished_at")


def run_stamps(user: User, pk: int) -> tuple[str, str, str]:
    """Of the head and progress of a run, and of what it has reported; and the user's role there, without which it is a 404."""
    # Two lookups in the index of the unique constraint.
    last = RunEvent.objects.filter(run=OuterRef("pk")).order_by("-attempt", "-sequence").values("pk")[:1]
    found = runs_for_user(user).filter(pk=pk).annotate(last_event=Subquery(last))
    row = found.values_list("project__memberships__role", "last_event", *_CHANGING).first()
    if row is None:
        raise Http404("There is no such run, or it is not yours.")
    role, event, *changing = row
    state, attempt = changing[:2]
    return stamp_of(pk, changing, clock=state in ACTIVE_STATES), stamp_of(pk, state, attempt, event), role


def runs_stamp(runs: QuerySet[Run], *, clock: bool = False) -> str:
    """Of the states and progress of ``runs``, which are few."""
    return stamp_of(list(runs.order_by("pk").values_list("pk", *_CHANGING)), clock=clock)


def group_stamp(user: User, pk: int) -> str:
    """Of a group's runs and comparisons; 404 for a group that the user may not see."""
    if not RunGroup.objects.filter(project__memberships__user=user, pk=pk).exists():
        raise Http404("There is no such group of runs, or it is not yours.")
    runs = Run.objects.filter(variant__group=pk).order_by("pk").values_list("pk", "state", "progress", "attempt", "finished_at")
    compared = RunGroup.objects.filter(pk=pk).values_list("variants__pk", "variants__comparison__runs", "comparison_asked_at")
    return stamp_of(list(runs), list(compared.order_by("variants__pk")), clock=True)


def stamp_of_run(run: Run) -> str:
    """What ``look_at_runs`` calls the stamp, of a row that was read already."""
    return stamp_of(run.pk, [getattr(run, name) for name in _CHANGING])


@dataclass(frozen=True)
class Sight:
    """How something that changes by itself stands.

    Attributes:
        stamp: changes with its state and progress, not with time alone.
        ended: whether it will not change by itself any more.
        last: the key of the newest event; None before the first.
    """

    stamp: str
    ended: bool
    last: int | None = None


def look_at_runs(ids: Collection[int]) -> dict[int, Sight]:
    """How the runs ``ids`` stand, by id, in one query; those that are gone are left out."""
    last = RunEvent.objects.filter(run=OuterRef("pk")).order_by("-attempt", "-sequence").values("pk")[:1]
    rows = Run.objects.filter(pk__in=ids).annotate(last_event=Subquery(last)).values_list("pk", "last_event", *_CHANGING)
    return {pk: Sight(stamp_of(pk, changing), changing[0] not in ACTIVE_STATES, event) for pk, event, *changing in rows}
