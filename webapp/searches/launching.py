"""Launching a search. Workers do the rest: they propose its trials, launch their runs, and compare in the end."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from engine.errors import UserError
from engine.search.plan import SearchPlan, full_run
from engine.search.trial import Candidate
from engine.spec import RunSpec, validate
from webapp.accounts.access import require_role
from webapp.accounts.models import Project, Role
from webapp.datasets.leakage import require_acknowledgement
from webapp.datasets.models import Version
from webapp.experiments.actions import check_storable, check_version, launch_run
from webapp.experiments.backbones import check_backbones
from webapp.experiments.models import Run
from webapp.quotas.room import require_room
from webapp.searches.asking import ask_to_advance
from webapp.searches.board import load
from webapp.searches.models import Search, SearchTrial

MAX_AT_ONCE = 64


def launch_search(
    project: Project, version: Version, user: User, plan: SearchPlan, *, at_once: int = 2, acknowledge_leakage: bool = False
) -> Search:
    """Start a search of ``plan`` on ``version``.

    Whether the space fits the backbone is seen by the worker that proposes the first trials: if not, the search fails.

    Args:
        at_once: trials that wait or run at the same time, 1 to ``MAX_AT_ONCE``; one more than there are gpu workers for it
            hides the time that suggestions take.
        acknowledge_leakage: the user knows the serious findings of the version's leakage report.

    Raises:
        PermissionDenied: the user is no researcher of the project.
        UserError: the version is of another project or not ready, has serious leaks that were not acknowledged,
            a backbone may not be named, ``at_once`` is out of range, or the project has used up its quota.
    """
    require_role(user, project, Role.RESEARCHER)
    if version.dataset.project_id != project.pk:
        raise UserError(f"{version} does not belong to the project {project.name}.", "Choose one of the project's versions.")
    check_version(version)
    require_acknowledgement(version, acknowledge_leakage)
    check_at_once(at_once)
    values = plan.model_dump(mode="json")
    check_storable(values)
    check_backbones(values)
    with transaction.atomic():
        # One at a time takes the next number; runs that refer to the project are not held up.
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        require_room(project.pk, work=True)
        last = project.searches.aggregate(last=Max("number"))["last"] or 0
        search = Search.objects.create(
            project=project, number=last + 1, version=version, plan=values, at_once=at_once, created_by=user
        )
        ask_to_advance(search.pk)
    return search


def full_spec(trial: SearchTrial) -> RunSpec:
    """The full training of a trial's candidate: the search's own settings, without what makes a trial short."""
    plan = validate(SearchPlan, trial.search.plan)
    return full_run(plan, Candidate.from_json(trial.candidate))


def launch_best(search: Search, user: User) -> tuple[Run, SearchTrial]:
    """Train the winner in full, or the best so far where there is none yet; returns the run and whose candidate it is.

    Raises PermissionDenied, or UserError if no trial has a value yet or the version is not ready.
    """
    require_role(user, search.project, Role.RESEARCHER)
    board = load(search)
    row = board.winner or board.best
    if row is None:
        raise UserError(f"No trial of {search} has ended with a value yet.", "Wait for the first one.")
    # Whoever launched the search has acknowledged what its version's leakage report found.
    return launch_run(search.version, user, full_spec(row), acknowledge_leakage=True), row


def check_at_once(at_once: int) -> None:
    """Raises UserError unless ``at_once`` is 1 to ``MAX_AT_ONCE``."""
    if not 1 <= at_once <= MAX_AT_ONCE:
        raise UserError(
            f"Trials at once: got {at_once}, must be 1 to {MAX_AT_ONCE}.", "One more than there are gpu workers is best."
        )
