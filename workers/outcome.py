"""The end of what succeeded, in one transaction: either all of it is there, or nothing."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from engine.data.profile import Profile
from engine.data.version import Version as PreparedVersion
from engine.result import Result
from webapp.broker import COMPARE_TASK, ask_or_wait
from webapp.datasets.models import VersionState
from webapp.delivering.refreshing import refit_refreshed
from webapp.experiments.models import Ending, LayerAdapter, Run, RunState, SampleRecommendation
from webapp.notices.writing import runs_ended
from webapp.searches.asking import tell_searches
from workers.attempts import RunAttempt, VersionAttempt
from workers.text import storable

_COLUMNS = (
    *("data", "protocol", "valid", "test", "intervals", "slices", "warnings", "seconds", "epochs", "best_epoch"),
    *("users_evaluated", "trainable_parameters", "targets_per_second", "curve", "curve_at", "stopped_below", "peak_memory_bytes"),
)
_LONGEST_MACHINE = 120


@transaction.atomic
def succeed(attempt: RunAttempt, result: Result) -> bool:
    """Store the result of a run and end it as succeeded, or as cancelled if somebody cancelled it meanwhile.

    Returns False, and changes nothing, if the attempt is stale.
    """
    run = attempt.lock()
    if run is None:
        return False
    if run.state == RunState.CANCELLING:
        return attempt.cancel()
    attempt.close(run, Ending.SUCCEEDED)
    _store_layers(run, result)
    _store_samples(run, result)
    values = storable(result.model_dump(mode="json"))
    for name in _COLUMNS:
        setattr(run, name, values[name])
    run.mask = values["mask"] or {}
    run.machine = values["machine"][:_LONGEST_MACHINE]
    run.state = RunState.SUCCEEDED
    run.save()
    Run.objects.filter(pk=run.pk).update(finished_at=Now())
    tell_searches([run.pk])
    runs_ended([run.pk])
    refit_refreshed(run.pk)
    if run.variant is not None:
        group = run.variant.group_id
        transaction.on_commit(lambda: ask_or_wait(COMPARE_TASK, group))
    return True


def ready(
    attempt: VersionAttempt,
    prepared: PreparedVersion,
    key: str,
    profile: Profile,
    leakage: dict[str, Any] | None = None,
    report: dict[str, Any] | None = None,
) -> bool:
    """End a version as ready; False, and nothing changed, if the attempt is stale.

    Args:
        key: storage folder that holds its files now.
        leakage: its leakage report; None: its page asks for one.
        report: what was left out, as ``Version.report``.
    """
    counts = prepared.counts
    return attempt.end(
        state=VersionState.READY,
        hash=prepared.hash,
        storage_key=key,
        users=counts.users,
        items=counts.items,
        interactions=counts.interactions,
        manifest=storable(prepared.manifest.model_dump(mode="json")),
        notices=storable(prepared.manifest.notices),
        leakage=storable(leakage or {}),
        profile=storable(profile.model_dump(mode="json")),
        report=storable(report or {}),
        progress={},
    )


def _store_layers(run: Run, result: Result) -> None:
    run.layers.all().delete()
    LayerAdapter.objects.bulk_create(LayerAdapter(run=run, **layer.model_dump()) for layer in result.architecture)


def _store_samples(run: Run, result: Result) -> None:
    run.samples.all().delete()
    SampleRecommendation.objects.bulk_create(
        SampleRecommendation(
            run=run,
            position=position,
            user_id_text=storable(sample.user)[:500],
            history=storable([line.model_dump() for line in sample.history]),
            target=storable(sample.target.model_dump()),
            rank=sample.rank,
            recommended=storable([line.model_dump() for line in sample.recommended]),
        )
        for position, sample in enumerate(result.samples)
    )
