"""What the polled parts of a search show, in cheap queries: equal stamps, nothing new."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import User
from django.db.models.fields.json import KeyTransform
from django.http import Http404

from webapp.experiments.stamps import Sight
from webapp.polling import stamp_of
from webapp.searches.access import searches_for_user
from webapp.searches.models import ADVANCING_STATES, Search, SearchTrial, TrialState

_OF_SEARCH = ("state", "message", "hint", "winner", "settled", "advancing_until", "finished_at", "planned")


def search_stamp(user: User, pk: int) -> tuple[str, str]:
    """Of a search, its trials, and the progress of those that run; and the user's role there, without which it is a 404."""
    found = searches_for_user(user).filter(pk=pk).annotate(planned=KeyTransform("trials", "plan"))
    about = found.values_list("project__memberships__role", *_OF_SEARCH).first()
    if about is None:
        raise Http404("There is no such search, or it is not yours.")
    trials = SearchTrial.objects.filter(search=pk).order_by("pk")
    running = trials.filter(state=TrialState.RUNNING).values_list("pk", "run__state", "run__progress")
    stamp = stamp_of(about[1:], list(trials.values_list("pk", "state", "value")), list(running), clock=True)
    return stamp, about[0]


def look_at_searches(ids: Collection[int]) -> dict[int, Sight]:
    """How the searches ``ids`` stand, by id, in two queries; those that are gone are left out. Progress of runs is no part."""
    found = Search.objects.filter(pk__in=ids).annotate(planned=KeyTransform("trials", "plan")).values_list("pk", *_OF_SEARCH)
    trials: dict[int, list[tuple[Any, ...]]] = {}
    for search, *about in SearchTrial.objects.filter(search__in=ids).order_by("pk").values_list("search", "pk", "state", "value"):
        trials.setdefault(search, []).append(tuple(about))
    return {pk: Sight(stamp_of(pk, about, trials.get(pk, [])), about[0] not in ADVANCING_STATES) for pk, *about in found}
