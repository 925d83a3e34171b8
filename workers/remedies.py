"""What a failed run's own settings say about its failure: a message that names them, and a change that may help."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from webapp.experiments.models import Run
from workers.failures import Failure, Kind

_TRAINING_BATCH = ("training", "batch_size")
_EVALUATION_BATCH = ("evaluation", "batch_users")
_SMALLER_STEPS = 3
"""A learning rate at which the loss ran away is divided by this."""


def suited(failure: Failure, run: Run) -> Failure:
    """``failure`` as it is told of ``run``, by its spec and how far it had come; unchanged where there is nothing to add."""
    known: dict[Kind, Callable[[Failure, Run], Failure]] = {
        Kind.MEMORY: _smaller_batch,
        Kind.GPU_MEMORY: _smaller_batch,
        Kind.LOST: _smaller_batch,
        Kind.DIVERGED: _smaller_steps,
        Kind.DEVICE: _any_device,
    }
    return known[failure.kind](failure, run) if failure.kind in known else failure


def _smaller_batch(failure: Failure, run: Run) -> Failure:
    evaluating = str(run.progress.get("phase", "")).startswith("evaluating")
    path = _EVALUATION_BATCH if evaluating else _TRAINING_BATCH
    size = _setting(run, path)
    if not isinstance(size, int) or size < 2:
        return failure
    less = size // 2
    settings = {".".join(path): less}
    if failure.kind is Kind.LOST:
        return replace(failure, label=f"Retry with batch {less:,}", settings=settings)
    whose = "the GPU" if failure.kind is Kind.GPU_MEMORY else "the computer"
    if evaluating:
        return replace(
            failure,
            message=f"Out of memory at {size:,} users at once: {whose} has too little for evaluating so many.",
            hint="Evaluate fewer users at once: the numbers stay the same, it takes a little longer.",
            label=f"Retry with {less:,} users at once",
            settings=settings,
        )
    return replace(
        failure,
        message=f"Out of memory at batch {size:,}: {whose} has too little for {size:,} sequences in a step.",
        hint="Train with smaller batches, a shorter window or a smaller model. "
        "Another batch size is another training: compare it with runs of the same one.",
        label=f"Retry with batch {less:,}",
        settings=settings,
    )


def _smaller_steps(failure: Failure, run: Run) -> Failure:
    rate = _setting(run, ("training", "learning_rate"))
    if not isinstance(rate, int | float):
        return failure
    less = float(f"{rate / _SMALLER_STEPS:.1g}")
    return replace(failure, label=f"Retry with learning rate {less:g}", settings={"training.learning_rate": less})


def _any_device(failure: Failure, run: Run) -> Failure:
    return replace(failure, label="Retry on any device", settings={"training.device": "auto"})


def _setting(run: Run, path: tuple[str, str]) -> Any:
    group, name = path
    return run.spec.get(group, {}).get(name)
