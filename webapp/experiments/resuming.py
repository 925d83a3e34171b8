"""Going on with runs that have ended: resuming one that did not finish, and extending one by a new run that continues it."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from engine.errors import SpecError, UserError
from engine.spec import RunSpec, override, parse_spec
from webapp.accounts.access import require_role
from webapp.accounts.models import Role
from webapp.broker import EXECUTE_TASK, ask_or_wait
from webapp.datasets.leakage import require_acknowledgement
from webapp.experiments.actions import check_version, create_run
from webapp.experiments.models import ACTIVE_STATES, Run, RunState
from webapp.quotas.room import require_room, require_time
from webapp.searches.models import OPEN_STATES, Search, TrialState

RESUMABLE = (RunState.CANCELLED, RunState.FAILED, RunState.LOST)
EXTENDABLE = (RunState.SUCCEEDED, RunState.CANCELLED)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint from which a run can go on.

    Attributes:
        step: optimiser steps done; ``epoch`` is the one that goes on, None once training has ended or where it is not known.
    """

    step: int
    epoch: int | None

    def __str__(self) -> str:
        return f"step {self.step:,}" + (f" of epoch {self.epoch:,}" if self.epoch else "")


def last_checkpoint(run: Run) -> Checkpoint | None:
    """Where ``run`` would go on, by what it reported; None if it would start anew."""
    steps = run.events.filter(type="checkpoint", payload__best=False).order_by("-attempt", "-sequence")
    payload = steps.values_list("payload", flat=True).first()
    return Checkpoint(int(payload["step"]), payload.get("epoch")) if payload else None


def resume_run(run: Run, user: User) -> str:
    """Queue a run that was cancelled, failed or lost again, as its next attempt. Refreshes ``run``; returns what happens now.

    Asking twice changes nothing.

    Raises:
        PermissionDenied: the user is no researcher of the project.
        UserError: it has succeeded, its search has counted it already, a run that continues it is at work, its version is
            not ready, or the quota of its project or its own time is used up.
    """
    require_role(user, run.project, Role.RESEARCHER)
    with transaction.atomic():
        # In the order of those who settle a search: it first, then the runs.
        _check_search(run)
        locked = Run.objects.select_for_update(of=("self",), no_key=True).select_related("version__dataset").get(pk=run.pk)
        if locked.state not in ACTIVE_STATES:
            _check_resumable(locked)
            require_time(locked)
            require_room(locked.project_id, runs=1)
            _queue(locked)
        place = last_checkpoint(locked)
    run.refresh_from_db()
    return f"{run} waits for a worker. {_how(run, place)}"


def how_it_goes_on(run: Run) -> str:
    """Where a run that waits will go on, in a sentence; empty for one that waits for its first start. One query at most."""
    if run.state != RunState.QUEUED or (run.attempt == 0 and run.continues_id is None):
        return ""
    return _how(run, last_checkpoint(run))


def _how(run: Run, place: Checkpoint | None) -> str:
    if place is not None:
        return f"It resumes at {place}."
    if run.continues_id is not None:
        return f"It goes on where run-{run.continues_id} ended."
    return "It has no checkpoint, so it starts anew."


def extend_run(run: Run, user: User, limits: dict[str, Any]) -> Run:
    """A new run, queued, that goes on where ``run`` ended, with larger limits; ``run`` and its result stay as they are.

    Asking twice for the same gives the same run.

    Args:
        limits: new values of training.epochs, training.minutes and training.patience; those left out stay.

    Raises:
        PermissionDenied: the user is no researcher of the project.
        SpecError: a limit is out of range, or lower than before, or none is larger.
        UserError: ``run`` is neither succeeded nor cancelled, trains nothing, or its version is gone.
    """
    require_role(user, run.project, Role.RESEARCHER)
    with transaction.atomic():
        locked = Run.objects.select_for_update(of=("self",), no_key=True).select_related("version__dataset").get(pk=run.pk)
        if locked.state not in EXTENDABLE:
            raise UserError(
                f"{locked} is {locked.get_state_display()}: only a run that succeeded or was cancelled can be extended.",
                "Resume it, or clone it with larger limits.",
            )
        spec = _extended(locked, limits)
        known = locked.continuations.filter(spec=spec.model_dump(mode="json")).order_by("-pk").first()
        if known is not None:
            return known
        _check_extendable(locked)
        require_acknowledgement(locked.version, bool(locked.acknowledged))
        longer = create_run(locked.version, user, spec)
        longer.continues = locked
        longer.save(update_fields=["continues"])
        transaction.on_commit(lambda: ask_or_wait(EXECUTE_TASK, longer.pk))
    return longer


def why_not_extend(run: Run) -> str:
    """Why a run that has ended cannot be extended, in words; empty if it can."""
    if run.refits_id is not None:
        return f"{run} is a refit: its epochs are those that were chosen."
    if run.stopped_below:
        return f"{run} was ended early by the rule of its search, so it cannot be extended."
    if run.epochs == 0 and not run.trainable_parameters:
        return "Its method trains nothing, so more epochs change nothing."
    if run.state == RunState.CANCELLED and last_checkpoint(run) is None:
        return f"{run} was cancelled before its first checkpoint, so there is nothing to extend."
    return ""


def _check_extendable(run: Run) -> None:
    reason = why_not_extend(run)
    if reason:
        raise UserError(reason, "Clone it with larger limits: it trains from the start.")


def _extended(run: Run, limits: dict[str, Any]) -> RunSpec:
    before = parse_spec(run.spec)
    spec = parse_spec(override(run.spec, {f"training.{name}": value for name, value in limits.items()}))
    problems = [
        (f"training.{name}", f"got {_limit(now)}, must be {_limit(was)} or more")
        for name in ("epochs", "minutes", "patience")
        if _less(now := getattr(spec.training, name), was := getattr(before.training, name))
    ]
    if problems:
        raise SpecError(problems, "An extension goes on with more; to train with less, clone the run.")
    if spec.training == before.training:
        raise SpecError([("training.epochs", f"got {before.training.epochs}, must be more")], "Raise one of the limits.")
    return spec


def _less(now: float | None, was: float | None) -> bool:
    return now is not None and (was is None or now < was)


def _limit(value: float | None) -> str:
    return "no limit" if value is None else f"{value:,}"


def _check_search(run: Run) -> None:
    """Raises UserError if a search has settled the run's trial, or has ended; locks the search otherwise."""
    trial = getattr(run, "search_trial", None)
    if trial is None:
        return
    search = Search.objects.select_for_update(no_key=True, of=("self",)).get(pk=trial.search_id)
    trial.refresh_from_db(fields=["state"])
    if trial.state != TrialState.RUNNING or search.state not in OPEN_STATES:
        raise UserError(
            f"{search} has counted this trial already, as {trial.get_state_display()}; what it counted does not change.",
            "Clone the run to train it apart from the search, or resume or extend the search.",
        )


def _check_resumable(run: Run) -> None:
    if run.state not in RESUMABLE:
        raise UserError(f"{run} is {run.get_state_display()}, there is nothing to resume.", "Extend it, or clone it.")
    check_version(run.version)
    busy = run.continuations.filter(state__in=ACTIVE_STATES).order_by("pk").first()
    if busy is not None:
        raise UserError(f"{busy} continues {run} already, from the same checkpoint.", f"Wait for {busy}, or cancel it first.")


def _queue(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(
        state=RunState.QUEUED,
        queued_at=timezone.now(),
        losses=0,
        worker="",
        error="",
        hint="",
        reference="",
        remedy={},
        heartbeat_at=None,
        finished_at=None,
        cancel_requested_at=None,
    )
    transaction.on_commit(lambda: ask_or_wait(EXECUTE_TASK, run.pk))
