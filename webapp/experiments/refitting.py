"""Refits: a finished run's choices, trained once more on all interactions."""

from django.contrib.auth.models import User
from django.db import transaction

from engine.errors import UserError
from engine.spec import parse_spec
from webapp.accounts.access import require_role
from webapp.accounts.models import Role
from webapp.broker import EXECUTE_TASK, ask_or_wait
from webapp.datasets.leakage import require_acknowledgement
from webapp.experiments.actions import create_run
from webapp.experiments.models import ACTIVE_STATES, Run, RunState


def refit_run(run: Run, user: User) -> Run:
    """Queue a refit of ``run``; the one that is at work or has succeeded already, if there is one.

    Raises:
        PermissionDenied: the user is no researcher of the project.
        UserError: ``run`` has not succeeded or is a refit, or its version is gone.
    """
    require_role(user, run.project, Role.RESEARCHER)
    return queue_refit(run, user)


@transaction.atomic
def queue_refit(run: Run, user: User | None) -> Run:
    """``refit_run`` for somebody who may: a refresh queues the refit of what it trained."""
    locked = Run.objects.select_for_update(of=("self",), no_key=True).select_related("version__dataset").get(pk=run.pk)
    if locked.refits_id is not None:
        raise UserError(f"{locked} is a refit already: it has learned from all interactions.", "Use it as it is.")
    if locked.state != RunState.SUCCEEDED:
        raise UserError(f"{locked} is {locked.get_state_display()}.", "Refit a run that has succeeded.")
    known = locked.refitted.filter(state__in=(*ACTIVE_STATES, RunState.SUCCEEDED)).order_by("-pk").first()
    if known is not None:
        return known
    require_acknowledgement(locked.version, bool(locked.acknowledged))
    refit = create_run(locked.version, user, parse_spec(locked.spec))
    refit.refits = locked
    refit.save(update_fields=["refits"])
    transaction.on_commit(lambda: ask_or_wait(EXECUTE_TASK, refit.pk))
    return refit
