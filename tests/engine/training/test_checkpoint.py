from pathlib import Path

import pytest
import torch

from engine.errors import CheckpointError
from engine.training.checkpoint import (
    CheckpointFolder,
    is_complete,
    load_optimizer_tensors,
    load_tensors,
    optimizer_tensors,
    write_folder,
)

WEIGHTS = {"w": torch.ones(2)}


def test_a_folder_without_its_marker_does_not_count(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    assert folder.last() is None
    kept = folder.save_step(5, WEIGHTS, WEIGHTS, {"best": None})
    broken = folder.save_step(9, WEIGHTS, WEIGHTS, {"best": None})
    (broken / "COMPLETE").unlink()
    assert not is_complete(broken)
    assert folder.last() == kept


def test_a_failure_while_writing_leaves_the_old_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "model", {"model": WEIGHTS}, {"n": 1})

    def fail(folder: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_folder(tmp_path / "model", {"model": {"w": torch.zeros(2)}}, {"n": 2}, fail)
    assert torch.equal(load_tensors(tmp_path / "model" / "model.safetensors")["w"], torch.ones(2))


def test_the_last_two_and_the_best_are_kept(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for step in (1, 2, 3, 4):
        best = folder.save_best(step, WEIGHTS).name if step in (1, 2, 4) else "best-000000002"
        folder.save_step(step, WEIGHTS, WEIGHTS, {"best": best})
    (tmp_path / ".step-000000009.writing").mkdir()
    folder.prune("best-000000004")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best-000000002",
        "best-000000004",
        "step-000000003",
        "step-000000004",
    ]


def test_damaged_files_say_so(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        load_tensors(tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"state\.json cannot be read"):
        CheckpointFolder.read_state(tmp_path)


def test_the_optimiser_goes_on_where_it_was(tmp_path: Path) -> None:
    def optimiser() -> tuple[torch.nn.Parameter, torch.optim.AdamW]:
        parameter = torch.nn.Parameter(torch.ones(3))
        return parameter, torch.optim.AdamW([parameter], lr=0.1)

    def step(parameter: torch.nn.Parameter, optimizer: torch.optim.AdamW, factor: float) -> None:
        optimizer.zero_grad()
        (parameter * factor).sum().backward()
        optimizer.step()

    parameter, optimizer = optimiser()
    step(parameter, optimizer, 1.0)
    saved, moments = parameter.detach().clone(), {name: value.clone() for name, value in optimizer_tensors(optimizer).items()}
    step(parameter, optimizer, -3.0)
    other, resumed = optimiser()
    other.data.copy_(saved)
    load_optimizer_tensors(resumed, moments)
    step(other, resumed, -3.0)
    assert torch.equal(parameter, other)
