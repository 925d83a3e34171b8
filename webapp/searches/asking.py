"""Telling workers that a search may have something to do. A message lost is found by beat (``workers.searches.looking``)."""

from collections.abc import Sequence

from django.db import transaction

from webapp.broker import ADVANCE_TASK, ask_or_wait
from webapp.searches.models import SearchTrial


def ask_to_advance(search: int) -> None:
    """After the current transaction, ask a worker to look at the search with this primary key."""
    transaction.on_commit(lambda: ask_or_wait(ADVANCE_TASK, search))


def tell_searches(runs: Sequence[int]) -> None:
    """These runs (primary keys) end in the current transaction: after it, have the searches that they belong to looked at."""
    for search in SearchTrial.objects.filter(run__in=runs).order_by("search").values_list("search", flat=True).distinct():
        ask_to_advance(search)
