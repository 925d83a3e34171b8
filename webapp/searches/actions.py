"""What people do with searches: pause, resume, cancel and extend them. Each locks the row, so that no trial slips in between."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from engine.errors import UserError
from engine.search.plan import SearchPlan
from engine.spec import override, validate
from webapp.accounts.access import require_role
from webapp.accounts.models import Role
from webapp.experiments.actions import cancel_runs
from webapp.experiments.models import Run
from webapp.notices.writing import search_ended
from webapp.quotas.room import require_room
from webapp.searches.asking import ask_to_advance
from webapp.searches.models import ADVANCING_STATES, FINAL_STAGES, OPEN_STATES, Search, SearchState, TrialState


@transaction.atomic
def pause_search(search: Search, user: User) -> None:
    """Start no new trials; those that are launched already come to their end. Refreshes ``search``.

    Raises PermissionDenied, or UserError if it is not at work.
    """
    locked = _locked(search, user)
    if locked.state not in ADVANCING_STATES:
        raise UserError(f"{locked} is {locked.state}, there is nothing to pause.", "Only a search that runs can be paused.")
    _change(search, locked, state=SearchState.PAUSED)


@transaction.atomic
def resume_search(search: Search, user: User) -> None:
    """Go on with a paused search, or with one that failed: full trainings that failed are then repeated. Refreshes ``search``.

    Raises PermissionDenied, or UserError if there is nothing to resume.
    """
    locked = _locked(search, user)
    if locked.state not in (SearchState.PAUSED, SearchState.FAILED):
        raise UserError(f"{locked} is {locked.state}, there is nothing to resume.", "Only a paused or failed search goes on.")
    _go_on(search, locked)


@transaction.atomic
def cancel_search(search: Search, user: User) -> None:
    """End the search for good: waiting trials are cancelled, running ones stop at their next checkpoint. Refreshes ``search``.

    Asking twice changes nothing. Raises PermissionDenied, or UserError if it has ended.
    """
    locked = _locked(search, user)
    if locked.state == SearchState.CANCELLED:
        _change(search, locked)
        return
    if locked.state not in OPEN_STATES:
        raise UserError(f"{locked} has ended already: it is {locked.state}.", "There is nothing to cancel.")
    _change(search, locked, state=SearchState.CANCELLED, finished_at=timezone.now())
    search_ended(locked.pk)
    cancel_runs(Run.objects.filter(search_trial__search=locked))


@transaction.atomic
def extend_search(search: Search, user: User, more: int) -> None:
    """Add ``more`` trials to the plan, also after the end: if another candidate wins then, there is another comparison.

    A paused search stays paused. Refreshes ``search``. Raises PermissionDenied, UserError if it was cancelled, or SpecError if
    that were too many trials.
    """
    locked = _locked(search, user)
    if locked.state == SearchState.CANCELLED:
        raise UserError(f"{locked} was cancelled, it cannot be extended.", "Launch a new search.")
    if more < 1:
        raise UserError(f"More trials: got {more}, must be 1 or more.", "Say how many trials to add.")
    plan = validate(SearchPlan, override(locked.plan, {"trials": int(locked.plan["trials"]) + more}))
    locked.plan = plan.model_dump(mode="json")
    locked.save(update_fields=["plan"])
    if locked.state == SearchState.PAUSED:
        _change(search, locked)
    else:
        _go_on(search, locked)


def _go_on(search: Search, locked: Search) -> None:
    require_room(locked.project_id, work=True)
    # Full trainings that failed are repeated, as new runs; trials never are.
    locked.trials.filter(stage__in=FINAL_STAGES, state__in=(TrialState.FAILED, TrialState.CANCELLED)).delete()
    # What was found to be done or impossible is looked at anew.
    fresh = {"settled": "", "message": "", "hint": "", "reference": "", "losses": 0, "finished_at": None}
    _change(search, locked, state=SearchState.RUNNING, **fresh)
    ask_to_advance(locked.pk)


def _locked(search: Search, user: User) -> Search:
    locked = Search.objects.select_for_update(no_key=True, of=("self",)).select_related("project").get(pk=search.pk)
    require_role(user, locked.project, Role.RESEARCHER)
    return locked


def _change(search: Search, locked: Search, **columns: object) -> None:
    if columns:
        Search.objects.filter(pk=locked.pk).update(**columns)
    search.refresh_from_db()
