"""What people do with runs: launch them and cancel them."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from engine.errors import UserError
from engine.spec import RunSpec
from engine.study.variant import Study
from webapp.broker import EXECUTE_TASK, ask_or_wait
from webapp.datasets.leakage import require_acknowledgement, serious_findings
from webapp.datasets.models import Version, VersionState
from webapp.experiments.backbones import check_backbones
from webapp.experiments.models import GroupKind, GroupVariant, Run, RunGroup, RunState
from webapp.notices.writing import runs_ended
from webapp.quotas.room import require_room
from webapp.searches.asking import tell_searches

_HALF_SIGN = re.compile("[\ud800-\udfff]")
MAX_GROUP_RUNS = 200
"""Runs that a group may have."""


def launch_run(version: Version, user: User, spec: RunSpec, *, acknowledge_leakage: bool = False) -> Run:
    """Queue a run of ``spec`` on ``version``.

    Args:
        acknowledge_leakage: the user knows the serious findings of the version's leakage report; they are stored with the run.

    Raises:
        UserError: the version is not ready, or has serious leaks that were not acknowledged.
    """
    require_acknowledgement(version, acknowledge_leakage)
    with transaction.atomic():
        run = create_run(version, user, spec)
        transaction.on_commit(lambda: ask_or_wait(EXECUTE_TASK, run.pk))
    return run


def launch_group(kind: GroupKind, name: str, source: Run, user: User, study: Study) -> RunGroup:
    """Queue all runs of ``study`` on the version of ``source``, as one group: all of them, or none.

    Raises UserError if the version is not ready, or has serious leaks that were not acknowledged with ``source``.
    """
    known = {source.version_id} if source.acknowledged else set()
    return launch_studies(kind, name, user, [(source.version, study)], acknowledged=known, source=source)


def launch_studies(
    kind: GroupKind,
    name: str,
    user: User,
    studies: Sequence[tuple[Version, Study]],
    *,
    acknowledged: Collection[int] = (),
    source: Run | None = None,
) -> RunGroup:
    """Queue all runs of all studies, each on its version, as one group: all of them, or none.

    Args:
        studies: one a version, all of one project.
        acknowledged: ids of the versions whose serious leaks the user knows.
        source: the run whose spec is the base, if it was one.

    Raises:
        UserError: there are too many runs, a version is not ready, or has serious leaks that were not acknowledged.
    """
    planned = [(version, study, study.runs()) for version, study in studies]
    check_amount(sum(len(items) for _, _, items in planned))
    for version, _ in studies:
        require_acknowledgement(version, version.pk in acknowledged)
    first = studies[0][0]
    with transaction.atomic():
        # Each run asks again; asked for all at once, the answer says how many they are.
        require_room(first.dataset.project_id, runs=sum(len(items) for _, _, items in planned))
        group = RunGroup.objects.create(
            kind=kind, name=name, project=first.dataset.project, version=first, source=source, created_by=user
        )
        runs: list[Run] = []
        position = 0
        for version, study, items in planned:
            variants = {}
            for member in study.members:
                variants[member.label] = GroupVariant.objects.create(
                    group=group,
                    position=position,
                    label=member.label,
                    sentence=member.sentence,
                    version=version if kind == GroupKind.GRID else None,
                )
                position += 1
            runs += [create_run(version, user, item.spec, variants[item.label]) for item in items]
        transaction.on_commit(lambda: ask_for_all(runs))
    return group


def check_amount(runs: int) -> None:
    """Raises UserError for more runs than may be launched at once, and for none."""
    if runs > MAX_GROUP_RUNS:
        raise UserError(
            f"That makes {runs:,} runs; at most {MAX_GROUP_RUNS} may be launched at once.",
            "Choose fewer of them.",
        )
    if not runs:
        raise UserError("That makes no run.", "Choose at least one method and one version.")


def ask_for_all(runs: Sequence[Run]) -> None:
    """Ask workers for queued runs; call it after they are committed."""
    for run in runs:
        if not ask_or_wait(EXECUTE_TASK, run.pk):
            # Each further try would wait as long for nothing; the reaper asks for all of them.
            return


def create_run(version: Version, user: User | None, spec: RunSpec, variant: GroupVariant | None = None) -> Run:
    """A queued run, for which nobody has been asked yet; call it in a transaction.

    Raises UserError if the version is not ready, a setting cannot be stored, the backbone may not be named, or the project has
    used up its quota.
    """
    check_version(version)
    values = spec.model_dump(mode="json")
    check_storable(values)
    check_backbones(values)
    require_room(version.dataset.project_id, runs=1)
    run = Run.objects.create(
        project=version.dataset.project,
        version=version,
        method=spec.method.id,
        preset=spec.preset or "",
        spec=values,
        state=RunState.QUEUED,
        queued_at=timezone.now(),
        variant=variant,
        # Whoever launches has asked for the acknowledgement.
        acknowledged=serious_findings(version),
        created_by=user,
    )
    run.folder_key = f"runs/{run.pk}"
    run.save(update_fields=["folder_key"])
    return run


def check_version(version: Version) -> None:
    """Raises UserError unless ``version`` is ready."""
    if version.state != VersionState.READY:
        raise UserError(f"{version} is {version.state}, not ready.", "Choose a version that is ready, or wait until this one is.")


def check_storable(values: Any) -> None:
    """Raises UserError if a text among ``values`` (a spec as JSON) cannot be stored."""
    if any("\x00" in text for text in _texts(values)):
        raise UserError("A setting holds a NUL character, which cannot be stored.", "Remove it.")
    if any(_HALF_SIGN.search(text) for text in _texts(values)):
        raise UserError("A text holds half of a character (a lone surrogate), which cannot be stored.", "Send valid Unicode.")


def request_cancel(run: Run) -> None:
    """Ask that ``run`` stop: at once while it is queued, else at its next checkpoint. Refreshes ``run``.

    Asking twice changes nothing. Raises UserError if the run has ended.
    """
    stopped, stopping = cancel_runs(Run.objects.filter(pk=run.pk))
    run.refresh_from_db()
    if not (stopped or stopping) and run.state != RunState.CANCELLING:
        raise UserError(f"{run} has ended already: it is {run.get_state_display()}.", "There is nothing to cancel.")


def cancel_group(group: RunGroup) -> tuple[int, int]:
    """Ask all runs of ``group`` that have not ended to stop.

    Returns how many were cancelled at once, and how many will stop at their next checkpoint.
    """
    return cancel_runs(Run.objects.filter(variant__group=group))


@transaction.atomic
def cancel_runs(runs: QuerySet[Run]) -> tuple[int, int]:
    """Cancel those of ``runs`` that wait, and ask those that are worked on to stop; returns how many of each."""
    # Locked, so that none slips through that is given back to the queue between the two updates.
    list(runs.select_for_update(of=("self",), no_key=True).order_by("pk").only("pk"))
    now = timezone.now()
    waiting = runs.filter(state__in=(RunState.DRAFT, RunState.QUEUED))
    working = runs.filter(state__in=(RunState.STARTING, RunState.RUNNING, RunState.EVALUATING))
    ended = list(waiting.values_list("pk", flat=True))
    tell_searches(ended)
    stopped = waiting.update(state=RunState.CANCELLED, cancel_requested_at=now, finished_at=now)
    runs_ended(ended)
    return stopped, working.update(state=RunState.CANCELLING, cancel_requested_at=now)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _texts(member)
