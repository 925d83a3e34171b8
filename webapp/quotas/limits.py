"""A project's limits: its own where it has some, else the site's."""

from dataclasses import dataclass

from django.conf import settings

from webapp.quotas.models import ProjectQuota

GB = 2**30
HOUR = 3600.0


@dataclass(frozen=True)
class Limits:
    """What a project may use; None is no limit.

    Attributes:
        disk: bytes of versions, uploads, runs and files made for download.
        queued_runs: runs that wait for a worker.
        run_seconds: seconds that workers may spend on one run, all its attempts together.
        month_seconds: seconds that they may spend on all runs within a month (UTC).
    """

    disk: int | None
    queued_runs: int | None
    run_seconds: float | None
    month_seconds: float | None

    def __bool__(self) -> bool:
        return any(value is not None for value in vars(self).values())

    @property
    def timed(self) -> bool:
        """Whether there is a limit on how long runs work."""
        return self.run_seconds is not None or self.month_seconds is not None


def limits_of(project: int) -> Limits:
    """The limits of the project with this primary key. One query."""
    return limits_from(ProjectQuota.objects.filter(project=project).first())


def limits_from(own: ProjectQuota | None) -> Limits:
    """The limits of a project whose own are ``own``. No query."""
    disk = _limit(own.disk_gb if own else None, settings.QUOTA_DISK_GB)
    queued = _limit(own.queued_runs if own else None, settings.QUOTA_QUEUED_RUNS)
    run = _limit(own.run_hours if own else None, settings.QUOTA_RUN_HOURS)
    month = _limit(own.month_hours if own else None, settings.QUOTA_MONTH_HOURS)
    return Limits(
        None if disk is None else int(disk * GB),
        None if queued is None else int(queued),
        None if run is None else run * HOUR,
        None if month is None else month * HOUR,
    )


def _limit(own: float | None, default: float) -> float | None:
    return (default if own is None else own) or None
