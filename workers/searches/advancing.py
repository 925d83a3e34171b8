"""Bringing a search forward, and finding searches that stand still: the tasks' part, in Celery's own processes."""

import logging

from django.db.models import Q
from django.db.models.functions import Now

from webapp.broker import ADVANCE_TASK, ask
from webapp.experiments.models import ENDED_STATES
from webapp.searches.models import ADVANCING_STATES, Search, TrialState
from workers.searches.settling import count_loss, give_lease_back, is_due, settle, take_lease
from workers.supervisor import BY_SERVICE, supervise_search
from workers.timings import Timings

_log = logging.getLogger(__name__)


def advance(pk: int, timings: Timings) -> None:
    """Settle trials that have ended, and start what comes next, until there is nothing to start.

    May be called twice, late, or by several at once; whatever it leaves undone, ``look`` finds. What comes next is worked out
    in a child process, because that takes the engine.
    """
    search = settle(pk)
    while search is not None and is_due(search):
        lease = take_lease(pk, timings.suggest)
        if lease is None:
            # Whoever has it looks again after giving it back.
            return
        try:
            code = supervise_search(pk, timings)
        finally:
            give_lease_back(pk, lease)
        if code in BY_SERVICE or code > 0:
            _log.warning("search %d: its process ended with %d; it is looked at again later", pk, code)
            return
        if code < 0:
            count_loss(pk)
        search = settle(pk)


def look() -> list[int]:
    """Ask for all searches that stand still: a message, a worker or its child was lost. Returns their primary keys.

    Raises kombu.exceptions.OperationalError if the broker is away.
    """
    unsettled = Q(trials__state=TrialState.RUNNING, trials__run__state__in=ENDED_STATES)
    still = set(Search.objects.filter(unsettled).values_list("pk", flat=True))
    unattended = Q(advancing_until__isnull=True) | Q(advancing_until__lt=Now())
    for search in Search.objects.filter(unattended, state__in=ADVANCING_STATES).order_by("pk"):
        if search.pk not in still and is_due(search):
            still.add(search.pk)
    for pk in sorted(still):
        _log.warning("search %d stands still: asking again", pk)
        ask(ADVANCE_TASK, pk)
    return sorted(still)
