"""Where a search stands, from its rows alone. No engine code that is heavy to load: Celery's own processes do this."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, Max, Q
from django.db.models.functions import Now

from engine.search.trial import trial_value
from webapp.experiments.models import ENDED_STATES, Run, RunState
from webapp.notices.writing import search_ended
from webapp.quotas.room import room_in_queue
from webapp.searches.models import ADVANCING_STATES, Search, SearchState, SearchTrial, Stage, TrialState
from workers.failures import Failure

MAX_LOSSES = 5
_LOST = Failure(
    "The process that chooses the next trials was lost {count} times in a row.",
    "The computer may lack memory. All finished trials are kept: resume the search once there is more.",
)


def lock_search(pk: int) -> Search | None:
    """The search, locked until the end of the transaction; None if it is gone."""
    return Search.objects.select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()


@transaction.atomic
def settle(pk: int) -> Search | None:
    """Write down what became of trials whose runs have ended, each once; returns the search, None if it is gone."""
    search = lock_search(pk)
    if search is not None:
        ended = search.trials.filter(state=TrialState.RUNNING, run__state__in=ENDED_STATES)
        for trial in ended.select_related("run").defer("run__spec", "run__slices", "run__intervals", "run__mask", "run__data"):
            _settle(trial, trial.run)
    return search


def _settle(trial: SearchTrial, run: Run) -> None:
    value: float | None = None
    if run.state == RunState.SUCCEEDED:
        value, trial.fidelity = trial_value(run.valid, run.stopped_below, run.curve_at)
    cancelled = run.state == RunState.CANCELLED
    # A value that is no number (training diverged) is stored as null.
    trial.state = TrialState.DONE if value is not None else TrialState.CANCELLED if cancelled else TrialState.FAILED
    trial.value = value
    trial.save(update_fields=["state", "value", "fidelity"])


def standing(search: Search) -> str:
    """All that decides what comes next, as a short text: it changes whenever a trial begins or ends, or the plan grows."""
    ended = Count("pk", filter=~Q(state=TrialState.RUNNING))
    found = search.trials.aggregate(all=Count("pk"), ended=ended, run=Max("run"))
    return f"{search.plan['trials']} planned, {search.at_once} at once: {found['ended']} of {found['all']}, run {found['run']}"


def free_places(search: Search) -> int:
    """How many more trials may wait or run now: where the project's queue is full, a search waits until runs have started."""
    free = max(0, search.at_once - search.trials.filter(state=TrialState.RUNNING).count())
    return int(min(free, room_in_queue(search.project_id))) if free else 0


def is_due(search: Search) -> bool:
    """Whether a worker should look for something to start; it is not if one has looked and nothing has changed since."""
    if search.state not in ADVANCING_STATES or free_places(search) == 0 or standing(search) == search.settled:
        return False
    trials = search.trials.filter(stage=Stage.TRIAL)
    all_proposed = trials.count() >= int(search.plan["trials"])
    return not (all_proposed and trials.filter(state=TrialState.RUNNING).exists())


@transaction.atomic
def take_lease(pk: int, seconds: float) -> datetime | None:
    """Have the search to oneself for so long; None if another worker has.

    It saves double work and no more: whoever starts something checks under the row lock that it is still the next thing.
    """
    free = Q(advancing_until__isnull=True) | Q(advancing_until__lt=Now())
    if not Search.objects.filter(free, pk=pk).update(advancing_until=Now() + timedelta(seconds=seconds)):
        return None
    return Search.objects.values_list("advancing_until", flat=True).get(pk=pk)


def give_lease_back(pk: int, lease: datetime) -> None:
    """End a lease, unless it has run out and is another's by now."""
    Search.objects.filter(pk=pk, advancing_until=lease).update(advancing_until=None)


@transaction.atomic
def count_loss(pk: int) -> None:
    """The process that prepares trials was killed; after ``MAX_LOSSES`` in a row the search fails."""
    Search.objects.filter(pk=pk).update(losses=F("losses") + 1)
    search = lock_search(pk)
    if search is not None and search.losses >= MAX_LOSSES:
        fail(search, Failure(_LOST.message.format(count=search.losses), _LOST.hint))


def fail(search: Search, failure: Failure) -> None:
    """End the search as failed, unless somebody has paused or ended it; call it with the row locked."""
    changed = Search.objects.filter(pk=search.pk, state__in=ADVANCING_STATES).update(
        state=SearchState.FAILED,
        message=failure.message,
        hint=failure.hint,
        reference=failure.reference,
        finished_at=Now(),
    )
    if changed:
        search_ended(search.pk)
