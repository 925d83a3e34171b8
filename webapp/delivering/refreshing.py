"""Bringing a dataset's current model to a newer version: the same settings are trained there, then people compare and promote."""

import logging

from django.contrib.auth.models import User
from django.db import transaction

from engine.errors import UserError
from engine.spec import parse_spec
from webapp.accounts.access import require_role
from webapp.accounts.models import Role
from webapp.broker import EXECUTE_TASK, ask_or_wait
from webapp.datasets.leakage import require_acknowledgement
from webapp.datasets.models import HEAVY, HEAVY_OF_VERSION, Dataset, Review, Version, VersionState
from webapp.delivering.models import Promotion, Refresh
from webapp.delivering.promoting import current_of
from webapp.experiments.actions import create_run
from webapp.experiments.models import ACTIVE_STATES, Run, RunState
from webapp.experiments.refitting import queue_refit

_log = logging.getLogger(__name__)
_HEAVY_OF_RUN = tuple(
    f"{run}__{name}" for run in ("run", "refit") for name in ("slices", "mask", "curve", "curve_at", "warnings", "notes")
)


def newest_version(dataset: Dataset) -> Version | None:
    """The newest version that a run can start from; archived and rejected ones are left out."""
    ready = dataset.versions.filter(state=VersionState.READY).exclude(review__in=(Review.ARCHIVED, Review.REJECTED))
    # Whoever asks for it wants to know of its leaks.
    return ready.defer(*(name for name in HEAVY if name != "leakage")).select_related("dataset").order_by("-number").first()


def refresh_of(promotion: Promotion) -> Refresh | None:
    """The last refresh of a current model; None if none was asked for."""
    found = promotion.refreshes.select_related("version__dataset", "run", "refit", "asked_by")
    return found.defer(*HEAVY_OF_VERSION, *_HEAVY_OF_RUN).order_by("-pk").first()


def candidate(refresh: Refresh) -> Run:
    """What would be promoted: the refit, where the current model is one, else the run."""
    return refresh.refit or refresh.run if refresh.with_refit else refresh.run


def is_done(refresh: Refresh) -> bool:
    """Whether all has been trained, so that people can compare and promote."""
    made = candidate(refresh)
    return made.state == RunState.SUCCEEDED and (not refresh.with_refit or made.refits_id is not None)


def goes_on(refresh: Refresh) -> bool:
    """Whether something is still being trained."""
    return candidate(refresh).state in ACTIVE_STATES


@transaction.atomic
def start_refresh(dataset: Dataset, user: User, *, acknowledge_leakage: bool = False) -> Refresh:
    """Train the current model's settings on the newest version; a refresh that is at work or done is given as it is.

    Raises:
        PermissionDenied: the user is no researcher of the project.
        UserError: there is no current model or no newer version, or it has serious leaks that were not acknowledged.
    """
    require_role(user, dataset.project, Role.RESEARCHER)
    Dataset.objects.select_for_update(of=("self",), no_key=True).get(pk=dataset.pk)
    current = current_of(dataset)
    if current is None or current.run is None:
        raise UserError(f"{dataset} has no current model.", "Promote a run from its page.")
    newest = newest_version(dataset)
    if newest is None or newest.number <= current.run.version.number:
        raise UserError(f"{dataset} has no version that is newer than the current model's.", "Upload a version first.")
    known = refresh_of(current)
    if known is not None and known.version_id == newest.pk and (goes_on(known) or is_done(known)):
        return known
    if known is not None and known.version_id == newest.pk and known.run.state == RunState.SUCCEEDED:
        known.refit = queue_refit(known.run, user)
        known.save(update_fields=["refit"])
        return known
    version = Version.objects.select_related("dataset__project").get(pk=newest.pk)
    require_acknowledgement(version, acknowledge_leakage)
    run = create_run(version, user, parse_spec(current.run.spec))
    transaction.on_commit(lambda: ask_or_wait(EXECUTE_TASK, run.pk))
    return Refresh.objects.create(
        replaces=current, version=version, run=run, with_refit=current.run.refits_id is not None, asked_by=user
    )


def refit_refreshed(run: int) -> None:
    """Run ``run`` has succeeded: if it was trained to replace a refit, queue its refit. Call it in the same transaction."""
    waiting = Refresh.objects.filter(run=run, with_refit=True, refit=None).select_related("run", "asked_by")
    for refresh in waiting:
        try:
            refresh.refit = queue_refit(refresh.run, refresh.asked_by)
        except UserError as error:
            # The run has succeeded all the same; the model's page offers to try again, and then says why not.
            _log.warning("%s is not refitted: %s", refresh.run, error)
            continue
        refresh.save(update_fields=["refit"])
