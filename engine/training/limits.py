"""The limits of a training that may grow afterwards: a run that has ended goes on with more epochs, time or patience."""

from typing import Any

from engine.errors import UserError
from engine.spec import TrainingSpec

LIMITS = ("epochs", "minutes", "patience")
"""Settings of ``training`` that say when it ends, and nothing else: the learning rate is the same whatever they are."""


def limits_of(training: TrainingSpec) -> dict[str, Any]:
    """The limits by name."""
    return {name: getattr(training, name) for name in LIMITS}


def without_limits(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec as JSON without its limits: what must be equal for one training to go on from another."""
    return {**spec, "training": {name: value for name, value in spec.get("training", {}).items() if name not in LIMITS}}


def check_limits(before: dict[str, Any], training: TrainingSpec) -> None:
    """Raises UserError if a limit is lower than ``before``, that of the training so far; no minutes are no limit."""
    for name, now in limits_of(training).items():
        was = before.get(name, now)
        if now is not None and (was is None or now < was):
            raise UserError(
                f"training.{name}: got {now}, but this training began with {'no limit' if was is None else was}.",
                f"Only more is possible when a training goes on; to train with less, start a new run with training.{name}={now}.",
            )
