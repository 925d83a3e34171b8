"""Two processes train what one does, within rounding; what cannot be shared out is refused at once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.collaborative.batches import SequenceBatch, window_epoch
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.training.checkpoint import load_tensors

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {
    "method.dimensions": 16,
    "method.dropout": 0.0,
    "training.epochs": 3,
    "training.batch_size": 15,
    "training.warmup_steps": 5,
    "training.threads": 1,
    "training.device": "cpu",
}


Done = subprocess.CompletedProcess[str]


def fit(version: Version, out: Path, processes: int, preset: str = "sasrec", **settings: Any) -> Done:
    values = {**(SETTINGS if preset == "sasrec" else {}), **{f"training.{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "engine", "fit", "--data", str(version.path), "--preset", preset, "--out", str(out)]
    command += ["--processes", str(processes), *(word for name, value in values.items() for word in ("--set", f"{name}={value}"))]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)


def result(done: Done) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_tensors(out / "model" / "model.safetensors")


def test_two_processes_train_what_one_does(planted: Version, tmp_path: Path) -> None:
    one = result(fit(planted, tmp_path / "one", 1))
    two = result(fit(planted, tmp_path / "two", 2))
    assert (two["epochs"], two["best_epoch"]) == (one["epochs"], one["best_epoch"])
    assert two["curve"] == pytest.approx(one["curve"], abs=2e-3)
    assert two["test"] == pytest.approx(one["test"], abs=2e-3)
    ours, theirs = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name], tensor, atol=2e-3, rtol=2e-3)
    files = {path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*")}
    assert {path.relative_to(tmp_path / "two") for path in (tmp_path / "two").rglob("*")} == files

    # Longer, by the same two, is what one process trains straight.
    longer = result(fit(planted, tmp_path / "two", 2, epochs=5))
    straight = result(fit(planted, tmp_path / "straight", 1, epochs=5))
    assert longer["epochs"] == straight["epochs"] == 5
    assert longer["curve"] == pytest.approx(straight["curve"], abs=5e-3)


def test_what_cannot_be_shared_out_is_refused(planted: Version, tmp_path: Path) -> None:
    done = fit(planted, tmp_path / "run", 2, "bpr-mf")
    assert done.returncode == 2, done.stderr
    assert "cannot be trained by several processes" in done.stderr
    assert not (tmp_path / "run" / ".processes.json").exists()


def test_shares_of_a_batch_are_the_batch(planted: Version) -> None:
    train = leave_one_out(planted).train
    batches = window_epoch(train, 20, 5, planted.counts.items, torch.device("cpu"), (0, 0, 0))
    batch = batches.make(0)
    assert isinstance(batch, SequenceBatch)
    shares = [batch.share(rank, 3) for rank in range(3)]
    users = sorted(int(user) for share in shares if share is not None for user in share.windows.users)
    assert users == sorted(batch.windows.users.tolist())
    for share in shares:
        assert share is not None
        assert len(share.inputs) == len(share.targets) == len(share.lengths) == len(share.windows)
    assert batch.share(7, 8) is None
