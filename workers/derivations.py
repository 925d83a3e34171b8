"""The states of what is made of versions; every change is conditional, so that a message that comes twice does no harm."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from webapp.datasets.models import Derived, DerivedState, VersionState
from workers.failures import Failure


def claim(pk: int, patience: float) -> bool:
    """Take row ``pk`` to make it; False if it is made, or is being made by somebody who began less than ``patience`` seconds "
    "ago."""
    given_up = Q(state=DerivedState.MAKING, claimed_at__lt=Now() - timedelta(seconds=patience))
    rows = Derived.objects.filter(Q(state=DerivedState.QUEUED) | given_up, pk=pk, version__state=VersionState.READY)
    return bool(rows.update(state=DerivedState.MAKING, claimed_at=Now()))


def give_back(pk: int) -> bool:
    """Queue the row again because the service stops; whoever looks at it asks again."""
    return bool(_made(pk).update(state=DerivedState.QUEUED, claimed_at=None))


def fail(pk: int, failure: Failure) -> bool:
    """End as failed."""
    return bool(_made(pk).update(state=DerivedState.FAILED, error=failure.message, hint=failure.hint))


def _made(pk: int) -> QuerySet[Derived]:
    return Derived.objects.filter(pk=pk, state=DerivedState.MAKING)
