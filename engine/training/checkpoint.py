"""Atomic checkpoints: a folder that is complete or does not count. Tensors are safetensors, the rest is JSON."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.durable import sync
from engine.errors import CheckpointError
from engine.seal import MARKER, SEALED, seal

END = "end"
_STEP = re.compile(r"(?:step|best)-(\d{9})")


def save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write ``tensors`` (names may not be empty) as safetensors."""
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read what ``save_tensors`` wrote; raises CheckpointError if it is damaged or missing."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path.name} cannot be read ({error}).", "Start the run again from its spec.") from error


def write_folder(
    folder: Path,
    tensors: dict[str, dict[str, Tensor]],
    state: dict[str, Any],
    export: Callable[[Path], None] = lambda folder: None,
) -> None:
    """Write a folder of safetensors files and ``state.json``: temporary folder, fsync, marker with all hashes last, rename.

    A folder that stands there already is replaced. ``export`` may write more into the temporary folder.
    """
    temporary = folder.with_name(f".{folder.name}.writing")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, group in tensors.items():
        save_tensors(group, temporary / f"{name}.safetensors")
    (temporary / "state.json").write_text(json.dumps({**state, SEALED: True}, indent=1), encoding="utf-8")
    export(temporary)
    for path in temporary.rglob("*"):
        sync(path)
    seal(temporary)
    sync(temporary)
    if folder.exists():
        shutil.rmtree(folder)
    temporary.rename(folder)
    sync(folder.parent)


def is_complete(folder: Path) -> bool:
    """True if ``folder`` was written to its end."""
    return (folder / MARKER).is_file()


class CheckpointFolder:
    """The checkpoints of a run: ``step-000000123`` (all that is needed to go on) and ``best-000000120`` (weights only).

    The last two steps are kept, with the best ones that they name, the best of all, and ``end``: where the last stage ended,
    before its best weights were put back, with what is needed to extend it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def save_step(self, step: int, model: dict[str, Tensor], optimizer: dict[str, Tensor], state: dict[str, Any]) -> Path:
        """Write a checkpoint to go on from; ``state["best"]`` is the name of the best folder so far, or None."""
        folder = self.folder / f"step-{step:09d}"
        write_folder(folder, {"model": model, "optimizer": optimizer}, state)
        return folder

    def save_best(self, step: int, model: dict[str, Tensor]) -> Path:
        """Write the best weights so far."""
        folder = self.folder / f"best-{step:09d}"
        write_folder(folder, {"model": model}, {"step": step})
        return folder

    def save_end(self, model: dict[str, Tensor], optimizer: dict[str, Tensor], state: dict[str, Any]) -> Path:
        """Write where the last stage ended; as ``save_step``."""
        folder = self.folder / END
        write_folder(folder, {"model": model, "optimizer": optimizer}, state)
        return folder

    @staticmethod
    def read_state(folder: Path) -> dict[str, Any]:
        """The JSON part of a checkpoint; raises CheckpointError if it is damaged."""
        try:
            state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"{folder.name}/state.json cannot be read ({error}).", "Start the run again from its spec."
            ) from error
        state.pop(SEALED, None)
        return state

    def last(self) -> Path | None:
        """The newest complete step, or None."""
        steps = self._complete("step")
        return steps[-1] if steps else None

    def end(self) -> Path | None:
        """Where the last stage ended, or None."""
        folder = self.folder / END
        return folder if is_complete(folder) else None

    def prune(self, best: str | None) -> None:
        """Remove what need not be kept, ``best`` being the name of the best folder so far; half-written folders go too."""
        steps = self._complete("step")[-2:]
        keep = {folder.name for folder in steps} | {best}
        end = self.end()
        keep |= {self.read_state(folder)["best"] for folder in [*steps, *([end] if end else [])]}
        keep |= {END} if end else set()
        for folder in self.folder.iterdir():
            if folder.is_dir() and folder.name not in keep:
                shutil.rmtree(folder)

    def _complete(self, kind: str) -> list[Path]:
        folders = [folder for folder in self.folder.glob(f"{kind}-*") if _STEP.fullmatch(folder.name) and is_complete(folder)]
        return sorted(folders)


class BorrowedCheckpoints(CheckpointFolder):
    """The checkpoints that another process writes: they are read here, and named, but not written."""

    def save_step(self, step: int, model: dict[str, Tensor], optimizer: dict[str, Tensor], state: dict[str, Any]) -> Path:
        """Where the other process writes the same."""
        return self.folder / f"step-{step:09d}"

    def save_best(self, step: int, model: dict[str, Tensor]) -> Path:
        """Where the other process writes the same."""
        return self.folder / f"best-{step:09d}"

    def save_end(self, model: dict[str, Tensor], optimizer: dict[str, Tensor], state: dict[str, Any]) -> Path:
        """Where the other process writes the same."""
        return self.folder / END

    def prune(self, best: str | None) -> None:
        """The other process does that."""


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's moments, by parameter number and name."""
    state = optimizer.state_dict()["state"]
    tensors = {f"{number}.{name}": torch.as_tensor(value) for number, inner in state.items() for name, value in inner.items()}
    return tensors or {"empty": torch.zeros(0)}


def load_optimizer_tensors(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what ``optimizer_tensors`` gave."""
    inner: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key != "empty":
            number, _, name = key.partition(".")
            inner.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": inner, "param_groups": optimizer.state_dict()["param_groups"]})
