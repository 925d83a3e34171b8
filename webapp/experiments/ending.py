"""What a run that did not succeed says first: what happened, where, and what to do about it."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from webapp.display import count, duration, moment
from webapp.experiments.models import AttemptRecord, Ending, Run, RunState
from webapp.experiments.resuming import EXTENDABLE, RESUMABLE, Checkpoint, last_checkpoint, why_not_extend
from webapp.searches.models import TrialState

_CHANGE_FIRST = ("memory", "gpu memory", "diverged", "device")
"""The same settings would fail in the same way: a change of settings comes first, where one is known."""
_CLONE_FIRST = ("mistake", "checkpoint", *_CHANGE_FIRST)


def ending(run: Run) -> dict[str, Any] | None:
    """The panel of a run that failed, was lost or was cancelled; None for others. One query."""
    if run.state not in RESUMABLE:
        return None
    counted = _counted(run)
    place = None if counted else last_checkpoint(run)
    if run.state == RunState.CANCELLED:
        title, hint = f"Cancelled{_at(run)}.", "What it did before its last checkpoint is kept." if place else ""
    else:
        title, hint = run.error or "The run ended, and no reason was reported.", run.hint
    return {
        "failed": run.state != RunState.CANCELLED,
        "title": title,
        "hint": hint,
        "where": where(run),
        "buttons": _buttons(run, place, counted),
        "counted": counted,
    }


def may_extend(run: Run) -> bool:
    """Whether the page offers to extend the run."""
    return run.state in EXTENDABLE and not (run.state == RunState.SUCCEEDED and why_not_extend(run))


def retry_address(run: Run) -> str:
    """The form of a new run with this one's settings and the change that may help."""
    settings = run.remedy.get("settings", {})
    return f"{reverse('new-run')}?{urlencode({'clone': run.pk, **settings})}"


def where(run: Run) -> str:
    """How far it had come, in which attempt and where: one line."""
    parts = [_reached(run.progress)]
    if run.attempt:
        parts.append(f"attempt {run.attempt}{f' on {run.worker}' if run.worker else ''}")
    if run.started_at and run.finished_at:
        parts.append(f"after {duration((run.finished_at - run.started_at).total_seconds())}{_at(run)}")
    return ", ".join(parts)


def attempt_rows(run: Run) -> list[dict[str, Any]]:
    """The run's attempts, newest first, as a table; empty, without a query, where there was only one."""
    if run.attempt < 2:
        return []
    return [_attempt(record) for record in run.attempts.order_by("-number")]


def _attempt(record: AttemptRecord) -> dict[str, Any]:
    length = (record.ended_at - record.started_at).total_seconds() if record.ended_at else None
    return {
        "number": record.number,
        "worker": record.worker,
        "started": moment(record.started_at),
        "took": "" if length is None else duration(length),
        "ending": record.ending or "at work",
        "good": record.ending in ("", Ending.SUCCEEDED),
        "reason": record.reason,
        "reached": _reached(record.reached) if record.ending and record.ending != Ending.SUCCEEDED else "",
    }


def _reached(progress: dict[str, Any]) -> str:
    phase = progress.get("phase")
    if not phase or phase == "preparing":
        return "before it reported any progress"
    parts = [f"while {phase}"]
    if progress.get("epoch") is not None:
        parts.append(f"epoch {count(progress['epoch'])}")
    if progress.get("total"):
        unit = str(progress.get("unit", "")).removesuffix("s") or "part"
        parts.append(f"{unit} {count(progress['done'])} of {count(progress['total'])}")
    return ", ".join(parts)


def _at(run: Run) -> str:
    return f" at {moment(run.finished_at)} UTC" if run.finished_at else ""


def _counted(run: Run) -> str:
    """Why a trial of a search is not resumed by hand; empty for other runs."""
    trial = getattr(run, "search_trial", None)
    if trial is None or trial.state == TrialState.RUNNING:
        return ""
    counted = f"{trial.search} has counted this trial as {trial.get_state_display()}"
    return f"{counted}, so it is not resumed by hand; a clone trains apart from the search."


def _buttons(run: Run, place: Checkpoint | None, counted: str) -> list[dict[str, Any]]:
    """What can be done, the most useful first."""
    kind = run.remedy.get("kind", "")
    buttons = []
    if not counted:
        words = f"Resume at {place}" if place else "Start again"
        buttons.append({"words": words, "post": reverse("resume-run", args=[run.pk]), "id": "resume"})
    if may_extend(run) and place:
        buttons.append({"words": "Extend", "get": reverse("extend-run", args=[run.pk]), "id": "to-extend"})
    clone = {"words": "Clone and change", "get": f"{reverse('new-run')}?clone={run.pk}", "id": "to-change"}
    buttons.insert(0 if kind in _CLONE_FIRST else len(buttons), clone)
    if run.remedy.get("settings"):
        retry = {"words": run.remedy["label"], "get": retry_address(run), "id": "retry"}
        buttons.insert(0 if kind in _CHANGE_FIRST else 1, retry)
    return buttons
