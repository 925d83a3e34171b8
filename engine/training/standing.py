"""Writing down where a training stands, and taking it up again: with the same spec, or with limits that have grown."""

import hashlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import CheckpointError, UserError
from engine.methods.method import Context, Method
from engine.seal import require_unchanged
from engine.training.checkpoint import CheckpointFolder, load_tensors, optimizer_tensors
from engine.training.limits import LIMITS, check_limits, limits_of
from engine.training.position import Position


def fingerprint(context: Context) -> str:
    """Hash of what a checkpoint must share with the run that goes on from it: the version, and the spec but for its limits."""
    text = context.spec.model_dump_json(exclude={"preset": True, "training": set(LIMITS)}) + context.version.hash
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Standing:
    """Where a training is taken up.

    Attributes:
        optimizer: the optimiser's moments; None where a stage begins.
        extended: it had ended, and goes on because its limits have grown.
    """

    name: str
    position: Position
    optimizer: dict[str, Tensor] | None
    extended: bool = False


def write_standing(
    context: Context,
    method: Method[Any],
    checkpoints: CheckpointFolder,
    position: Position,
    optimizer: torch.optim.Optimizer | None,
    *,
    end: bool = False,
) -> Path:
    """Write all that is needed to go on.

    Args:
        end: as the end of the last stage, which is kept beside the steps: from it the training can be extended.
    """
    moments = optimizer_tensors(optimizer) if optimizer is not None else {"empty": torch.zeros(0)}
    moments["random.cpu"] = torch.get_rng_state()
    if context.device.type == "cuda":
        moments["random.cuda"] = torch.cuda.get_rng_state(context.device)
    state = {**asdict(position), "fingerprint": fingerprint(context), "limits": limits_of(context.spec.training)}
    if end:
        return checkpoints.save_end(method.state(), moments, state)
    return checkpoints.save_step(position.step, method.state(), moments, state)


def take_up(context: Context, method: Method[Any], checkpoints: CheckpointFolder, stages: int) -> Standing | None:
    """Put method and random generators where the last checkpoint left them; None if there is none.

    A training that had ended with lower limits is taken up at the end of its last stage.

    Args:
        stages: how many the method has.

    Raises:
        CheckpointError: the checkpoint is damaged, or of another spec or version.
        UserError: a limit is lower than before, or the training cannot be extended.
    """
    folder = checkpoints.last()
    if folder is None:
        return None
    state = _read(context, folder)
    training = context.spec.training
    extended = bool(stages) and state["stage"] >= stages and state["limits"] != limits_of(training)
    if extended:
        folder = checkpoints.end()
        if folder is None:
            raise UserError(
                "The end of this training was not kept, so it cannot be extended.", "Start a new run with the larger limits."
            )
        state = _read(context, folder)
    known = {each.name for each in fields(Position)}
    position = Position(**{name: value for name, value in state.items() if name in known})
    if extended:
        position.curve_at = _rescaled(position.curve_at, state["limits"], limits_of(training))
    method.load_state(load_tensors(folder / "model.safetensors"))
    moments = load_tensors(folder / "optimizer.safetensors")
    torch.set_rng_state(moments.pop("random.cpu"))
    random = moments.pop("random.cuda", None)
    # An earlier attempt may have had a GPU where this one has none.
    if random is not None and context.device.type == "cuda":
        torch.cuda.set_rng_state(random, context.device)
    return Standing(folder.name, position, moments if position.stage_step else None, extended)


def _read(context: Context, folder: Path) -> dict[str, Any]:
    require_unchanged(folder)
    state = CheckpointFolder.read_state(folder)
    if state["fingerprint"] != fingerprint(context):
        raise CheckpointError(
            f"{folder.name} was written by a run with another spec or version.",
            "Only training.epochs, minutes and patience may differ. Choose another folder, or the same spec and version.",
        )
    check_limits(state["limits"], context.spec.training)
    return state


def _rescaled(shares: list[float], before: dict[str, Any], now: dict[str, Any]) -> list[float]:
    """How far the evaluations of the shorter training lie in the longer one; by time where that was and is a limit."""
    if before["minutes"] is not None and now["minutes"] is not None and before["minutes"] != now["minutes"]:
        return [share * before["minutes"] / now["minutes"] for share in shares]
    return [share * before["epochs"] / now["epochs"] for share in shares]
