"""The states of what is made of versions. Every change names its attempt, so that a message that comes twice does no harm."""

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from webapp.datasets.models import Derived, DerivedState, VersionState
from webapp.experiments.models import MAX_ATTEMPTS
from workers.failures import MAKING_LOST, Failure


def claim(pk: int) -> int | None:
    """Take row ``pk`` to make it; the number of the attempt, or None if it is not queued."""
    rows = Derived.objects.filter(pk=pk, state=DerivedState.QUEUED, version__state=VersionState.READY)
    taken = rows.update(state=DerivedState.MAKING, attempt=F("attempt") + 1, claimed_at=Now(), heartbeat_at=Now())
    return Derived.objects.values_list("attempt", flat=True).get(pk=pk) if taken else None


def beat(pk: int, attempt: int) -> bool:
    """A sign of life; False if the attempt is lost, or the row is gone."""
    return bool(held(pk, attempt).update(heartbeat_at=Now()))


def give_back(pk: int, attempt: int) -> bool:
    """Queue the row again because the service stops; whoever looks at it, or the reaper, asks again."""
    return bool(held(pk, attempt).update(state=DerivedState.QUEUED, claimed_at=None, heartbeat_at=None))


def lose(pk: int, attempt: int) -> bool:
    """Its worker was lost: queue the row again, or fail it after the third time."""
    return fail(pk, attempt, MAKING_LOST) if attempt >= MAX_ATTEMPTS else give_back(pk, attempt)


def fail(pk: int, attempt: int, failure: Failure) -> bool:
    """End as failed."""
    return bool(held(pk, attempt).update(state=DerivedState.FAILED, error=failure.message, hint=failure.hint))


def held(pk: int, attempt: int) -> "QuerySet[Derived]":
    """The row, while this attempt makes it."""
    return Derived.objects.filter(pk=pk, attempt=attempt, state=DerivedState.MAKING)
