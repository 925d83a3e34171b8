"""The states of lists for everybody. Every change names its attempt, so that a message that comes twice does no harm."""

from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.models import MAX_ATTEMPTS
from workers.failures import MAKING_LOST, Failure


def claim(pk: int) -> int | None:
    """Take row ``pk`` to make it; the number of the attempt, or None if it is not queued."""
    rows = UserLists.objects.filter(pk=pk, state=ListsState.QUEUED)
    taken = rows.update(state=ListsState.MAKING, attempt=F("attempt") + 1, heartbeat_at=Now(), progress={}, error="", hint="")
    return UserLists.objects.values_list("attempt", flat=True).get(pk=pk) if taken else None


def beat(pk: int, attempt: int, **values: Any) -> bool:
    """A sign of life, and ``values`` with it; False if the attempt is lost, or the row is gone."""
    return bool(held(pk, attempt).update(heartbeat_at=Now(), **values))


def finish(pk: int, attempt: int, **values: Any) -> bool:
    """End as ready; False if the attempt is lost."""
    return bool(held(pk, attempt).update(state=ListsState.READY, finished_at=Now(), **values))


def fail(pk: int, attempt: int, failure: Failure) -> bool:
    """End as failed; False if the attempt is lost."""
    told = {"error": failure.message, "hint": failure.hint}
    return bool(held(pk, attempt).update(state=ListsState.FAILED, finished_at=Now(), **told))


def give_back(pk: int, attempt: int) -> bool:
    """Queue the row again because the service stops."""
    return bool(held(pk, attempt).update(state=ListsState.QUEUED, asked_at=Now(), progress={}))


def lose(pk: int, attempt: int) -> bool:
    """The attempt is lost: queue the row again, or fail it after the third time."""
    if attempt >= MAX_ATTEMPTS:
        return fail(pk, attempt, MAKING_LOST)
    return bool(held(pk, attempt).update(state=ListsState.QUEUED, asked_at=Now()))


def silent(seconds: float) -> "QuerySet[UserLists]":
    """Rows that are being made by somebody who gave no sign of life for so long."""
    return UserLists.objects.filter(state=ListsState.MAKING, heartbeat_at__lt=Now() - timedelta(seconds=seconds))


def held(pk: int, attempt: int) -> "QuerySet[UserLists]":
    """The row, while this attempt makes it."""
    return UserLists.objects.filter(pk=pk, attempt=attempt, state=ListsState.MAKING)
