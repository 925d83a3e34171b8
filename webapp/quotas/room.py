"""The one place that says whether a project may have more: all that queues runs or stores files asks here."""

import math

from engine.errors import UserError
from webapp.accounts.models import Project
from webapp.display import count, duration, size
from webapp.experiments.models import Run
from webapp.quotas.limits import Limits, limits_of
from webapp.quotas.use import Use, seconds_of_run, use_of

_ASK = "or ask an admin of the site for more."


class QuotaExceededError(UserError):
    """The project has used up what it may have: of REST, status 403 and code ``quota_exceeded``.

    Attributes:
        passes: waiting a little may help: only the queue is full.
    """

    passes = False


def require_room(project: int, *, new_bytes: int = 0, runs: int = 0, work: bool = False) -> None:
    """Raise QuotaExceededError unless the project with this primary key may have that much more.

    Call it inside the transaction that makes the rows: where there is a limit, the project's row is locked until its end, so
    that of two who ask at once the second one sees what the first has taken. Ask for the project after all other locks.

    Args:
        new_bytes: how much will be stored; where it is not known beforehand, 0 asks that the disk is not used up.
        runs: how many will wait for a worker.
        work: workers will train, if not at once: hours must be left this month. ``runs`` says that too.
    """
    limits = limits_of(project)
    if not limits:
        return
    Project.objects.select_for_update(no_key=True).only("pk").get(pk=project)
    use = use_of(project)
    _check_disk(limits, use, new_bytes)
    if runs or work:
        _check_month(limits, use)
    if runs:
        _check_queue(limits, use, runs)


def require_time(run: Run) -> None:
    """Raise QuotaExceededError if workers have spent on ``run`` all the time that one run of its project may take."""
    limit = limits_of(run.project_id).run_seconds
    if limit is not None and seconds_of_run(run.pk) >= limit:
        raise _run_over(run.pk, limit)


def why_stop(run: int, project: int) -> QuotaExceededError | None:
    """Why a run that is worked on must end at its next checkpoint; None if it may go on. One query where there is no limit."""
    limits = limits_of(project)
    if not limits.timed:
        return None
    if limits.run_seconds is not None and seconds_of_run(run) >= limits.run_seconds:
        return _run_over(run, limits.run_seconds)
    if limits.month_seconds is not None and use_of(project).month_seconds >= limits.month_seconds:
        return _month_over(limits.month_seconds)
    return None


def room_in_queue(project: int) -> float:
    """How many more runs may wait; infinity where there is no limit. Nothing is locked: what queues them asks again."""
    limit = limits_of(project).queued_runs
    return math.inf if limit is None else max(0, limit - use_of(project).queued_runs)


def _check_disk(limits: Limits, use: Use, new_bytes: int) -> None:
    if limits.disk is None or (use.disk < limits.disk if not new_bytes else use.disk + new_bytes <= limits.disk):
        return
    more = f", and this would add {size(new_bytes)}" if new_bytes else ""
    raise QuotaExceededError(
        f"The project uses {size(use.disk)} of the {size(limits.disk)} that it may store{more}.",
        f"Delete versions and runs that nobody needs, {_ASK}",
    )


def _check_queue(limits: Limits, use: Use, runs: int) -> None:
    if limits.queued_runs is None or use.queued_runs + runs <= limits.queued_runs:
        return
    error = QuotaExceededError(
        f"{count(use.queued_runs)} of the {count(limits.queued_runs)} runs of the project that may wait are waiting"
        f"{f', and this would add {count(runs)}' if runs > 1 else ''}.",
        f"Wait until some of them have started, cancel some, {_ASK}",
    )
    error.passes = True
    raise error


def _check_month(limits: Limits, use: Use) -> None:
    if limits.month_seconds is not None and use.month_seconds >= limits.month_seconds:
        raise _month_over(limits.month_seconds)


def _run_over(run: int, limit: float) -> QuotaExceededError:
    return QuotaExceededError(
        f"run-{run} has had the {duration(limit)} of work that one run of the project may take.",
        f"What it did before its last checkpoint is kept: launch it with fewer epochs, {_ASK} Then resume it.",
    )


def _month_over(limit: float) -> QuotaExceededError:
    return QuotaExceededError(
        f"The project has had the {duration(limit)} of work on runs that it may take in a month.",
        f"Wait for the first day of the next month (UTC), {_ASK} Runs that were stopped can be resumed then.",
    )
