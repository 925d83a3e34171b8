"""What people do with runs: launch them and cancel them."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from engine.errors import UserError
from engine.spec import RunSpec
from webapp.broker import EXECUTE_TASK, ask_or_wait
from webapp.datasets.models import Version, VersionState
from webapp.experiments.models import Run, RunState


def launch_run(version: Version, user: User, spec: RunSpec) -> Run:
    """Queue a run of ``spec`` on ``version``; raises UserError if the version is not ready."""
    if version.state != VersionState.READY:
        raise UserError(f"{version} is {version.state}, not ready.", "Choose a version that is ready, or wait until this one is.")
    values = spec.model_dump(mode="json")
    if any("\x00" in text for text in _texts(values)):
        raise UserError("A setting holds a NUL character, which cannot be stored.", "Remove it.")
    with transaction.atomic():
        run = Run.objects.create(
            project=version.dataset.project,
            version=version,
            method=spec.method.id,
            preset=spec.preset or "",
            spec=values,
            state=RunState.QUEUED,
            queued_at=timezone.now(),
            created_by=user,
        )
        run.folder_key = f"runs/{run.pk}"
        run.save(update_fields=["folder_key"])
        transaction.on_commit(lambda: ask_or_wait(EXECUTE_TASK, run.pk))
    return run


def request_cancel(run: Run) -> None:
    """Ask that ``run`` stop: at once while it is queued, else at its next checkpoint. Refreshes ``run``.

    Asking twice changes nothing. Raises UserError if the run has ended.
    """
    now = timezone.now()
    waiting = Run.objects.filter(pk=run.pk, state__in=(RunState.DRAFT, RunState.QUEUED))
    working = Run.objects.filter(pk=run.pk, state__in=(RunState.STARTING, RunState.RUNNING, RunState.EVALUATING))
    changed = waiting.update(state=RunState.CANCELLED, cancel_requested_at=now, finished_at=now) or working.update(
        state=RunState.CANCELLING, cancel_requested_at=now
    )
    run.refresh_from_db()
    if not changed and run.state != RunState.CANCELLING:
        raise UserError(f"{run} has ended already: it is {run.get_state_display()}.", "There is nothing to cancel.")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _texts(member)
