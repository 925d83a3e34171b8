"""What the project's page shows of its limits: use against each, in words and as a bar."""

from typing import Any

from webapp.accounts.models import Project
from webapp.display import count, duration, size
from webapp.quotas.limits import limits_from
from webapp.quotas.use import use_of


def quota_lines(project: Project) -> list[dict[str, Any]]:
    """A line for each thing that is counted: ``name``, ``used`` and ``limit`` in words, and ``share`` (0 to 100, None without a
    limit)."""
    limits, use = limits_from(getattr(project, "quota", None)), use_of(project.pk)
    worked, spent = use.month_seconds, limits.month_seconds
    month = "of workers on runs, by the clock; counted anew from the first of each month (UTC)"
    lines = [
        _line("Disk", "versions, uploads, runs, and files made for download", use.disk, limits.disk, size),
        _line("Runs that wait", "for a worker, trials of searches too", use.queued_runs, limits.queued_runs, _whole),
        _line("Work this month", month, worked, spent, duration),
    ]
    if limits.run_seconds is not None:
        words, limit = "a run that takes longer is stopped at a checkpoint", duration(limits.run_seconds)
        lines.append({"name": "Work on one run", "words": words, "used": "", "limit": limit, "share": None, "full": False})
    return lines


def _line(name: str, words: str, used: float, limit: float | None, show: Any) -> dict[str, Any]:
    share = None if limit is None else min(100, round(100 * used / limit))
    return {
        "name": name,
        "words": words,
        "used": show(used),
        "limit": "no limit" if limit is None else show(limit),
        "share": share,
        "full": limit is not None and used >= limit,
    }


def _whole(value: float) -> str:
    return count(int(value))
