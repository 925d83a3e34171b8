"""What the polled parts of a search show, in cheap queries: equal stamps, nothing new."""

from django.contrib.auth.models import User
from django.db.models.fields.json import KeyTransform
from django.http import Http404

from webapp.polling import stamp_of
from webapp.searches.access import searches_for_user
from webapp.searches.models import SearchTrial, TrialState

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
