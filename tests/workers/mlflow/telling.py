"""Runs with something to tell, for the tests of mirroring."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from engine.events import LogEvent, MetricEvent
from webapp.experiments.models import Run, RunEvent
from webapp.mirroring.models import Mirror
from workers.attempts import RunAttempt
from workers.claims import claim_run
from workers.recorder import write_batch

MakeRun = Callable[..., Run]


def begun(make_run: MakeRun, spec: dict[str, Any] | None = None, preset: str = "popularity") -> tuple[Run, RunAttempt]:
    """A run that a worker has begun."""
    run = make_run(spec, preset)
    attempt = claim_run(run.pk)
    assert attempt is not None
    run.refresh_from_db()
    return run, attempt


def tell(attempt: RunAttempt, first: int, last: int) -> None:
    """Events as the recorder stores them: a metric of training and one of validation at each step, and a line between."""
    events = [
        event
        for step in range(first, last)
        for event in (
            MetricEvent(split="train", step=step, epoch=step, values={"loss": 1 / (step + 1)}),
            LogEvent(message="a line"),
            MetricEvent(split="valid", step=step, epoch=step, values={"ndcg@10": step / 100, "hr@10": float("nan")}),
        )
    ]
    rows = [
        RunEvent(
            run_id=attempt.pk,
            attempt=attempt.number,
            sequence=3 * first + number,
            type=event.type,
            payload={**event.model_dump(exclude={"type"}), **_without_nan(event)},
            created_at=timezone.now(),
        )
        for number, event in enumerate(events)
    ]
    assert write_batch(attempt, rows, None)


def _without_nan(event: MetricEvent | LogEvent) -> dict[str, object]:
    if isinstance(event, LogEvent):
        return {}
    return {"values": {name: value if value == value else None for name, value in event.values.items()}}


def due(run: Run) -> Mirror:
    """The run's mirror, due now."""
    Mirror.objects.get_or_create(run=run)
    Mirror.objects.filter(run=run).update(next_try_at=timezone.now() - timedelta(seconds=1))
    return Mirror.objects.get(run=run)
