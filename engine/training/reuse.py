"""Stages that were trained before: taken over from this machine's cache instead of being trained again."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from engine.cache import cached, make_room
from engine.methods.state import load_module_state, module_state
from engine.seal import require_unchanged
from engine.training.checkpoint import CheckpointFolder, is_complete, load_tensors, write_folder


@dataclass(frozen=True)
class StageOutcome:
    """What is told of a run's first stage besides its weights; as in ``Position``."""

    epoch: int
    best_epoch: int
    best_value: float
    step: int
    targets: int
    seconds: float
    step_seconds: float


def stage_folder(recipe: str) -> Path:
    """Where the stage of this recipe is kept."""
    return cached("stages", recipe)


def take_stage(recipe: str, module: nn.Module) -> StageOutcome | None:
    """Put the best weights of an earlier stage of the same recipe into ``module``; None if there is none."""
    folder = stage_folder(recipe)
    if not is_complete(folder):
        return None
    require_unchanged(folder)
    load_module_state(module, load_tensors(folder / "module.safetensors"))
    return StageOutcome(**CheckpointFolder.read_state(folder))


def keep_stage(recipe: str, module: nn.Module, outcome: StageOutcome) -> None:
    """Keep the weights of ``module`` for later runs, unless they are kept already."""
    if is_complete(stage_folder(recipe)):
        return
    state: dict[str, Tensor] = module_state(module)
    folder = stage_folder(recipe)
    # another process may keep the same stage at the same moment: each writes a folder of its own, the first to rename wins
    own = folder.with_name(f"{folder.name}-{os.getpid()}")
    write_folder(own, {"module": state}, dict(vars(outcome)))
    try:
        own.rename(folder)
    except OSError:
        shutil.rmtree(own)
        if not is_complete(folder):
            raise
    make_room()
