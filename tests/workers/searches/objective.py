"""A child whose training is a planted objective: ``python -m tests.workers.searches.objective`` instead of ``workers.child``.

It says how good an architecture is and sleeps meanwhile (``TRIAL_SECONDS``); everything else is real, the proposals too.
"""

import os
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.durable import write_whole
from engine.errors import RunCancelled
from engine.events import CheckpointEvent, Report
from engine.result import DataCounts, LayerAdapter, Protocol, Result
from engine.spec import RunSpec

USERS = 40
TICK = 0.05
WORTH = {"none": 0.0, "attention": 0.01, "mlp": 0.02, "both": 0.03}


def objective(spec: RunSpec) -> float:
    """Upper layers matter more; no two architectures are worth the same."""
    choices = spec.method.architecture  # type: ignore[union-attr]
    worth = [0.0 if choice.kind == "none" else WORTH[choice.target] + 0.0001 * choice.rank for choice in choices]
    return round(0.1 + sum((layer + 1) * each for layer, each in enumerate(worth)), 9)


def run(spec: RunSpec, version: Any, workdir: Path, report: Report, *, should_stop: Callable[[], bool]) -> Result:
    """Sleep, and tell the objective. A checkpoint is how far it has slept."""
    slept = workdir / "slept"
    workdir.mkdir(parents=True, exist_ok=True)
    steps = round(float(os.environ.get("TRIAL_SECONDS", "0")) / TICK)
    for step in range(int(slept.read_text()) if slept.exists() else 0, steps):
        time.sleep(TICK)
        write_whole(slept, str(step + 1))  # kill -9 may come here too
        if step % 10 == 9:
            report(CheckpointEvent(path="slept", step=step + 1))
        if should_stop():
            raise RunCancelled
    value = objective(spec)
    generator = np.random.default_rng(spec.training.seed)
    ranks = np.floor(generator.exponential(1 / value, USERS))
    pl.DataFrame({"user": np.arange(USERS, dtype=np.int32), "rank": ranks}).write_parquet(workdir / "ranks_test.parquet")
    return make_result(spec, value)


def make_result(spec: RunSpec, value: float) -> Result:
    """What a training of ``spec`` that came to ``value`` says."""
    choices = spec.method.architecture  # type: ignore[union-attr]
    layers = [
        LayerAdapter(layer=layer, kind=each.kind, target=each.target, rank=each.rank, parameters=100 * each.rank)
        for layer, each in enumerate(choices)
    ]
    return Result(
        method="darec",
        preset=None,
        data=DataCounts(users=3, items=2, interactions=9),
        protocol=Protocol(
            version="v",
            split="leave-one-out",
            split_hash="s",
            seen="remove",
            candidates="full",
            ties="mid-rank",
            catalogue=2,
            metrics=["ndcg@10"],
        ),
        valid={"ndcg@10": value},
        test={"ndcg@10": value / 2},
        curve=[value / 2, value],
        curve_at=[0.5, 1.0],
        seconds=2.0,
        trainable_parameters=sum(layer.parameters for layer in layers),
        targets_per_second=1,
        epochs=2,
        best_epoch=1,
        users_evaluated=USERS,
        architecture=layers,
    )


def main() -> int:
    """``workers.child.main`` with this module's ``run`` in the place of the engine's."""
    module = types.ModuleType("engine.run")
    module.run = run  # type: ignore[attr-defined]
    sys.modules["engine.run"] = module
    from workers.child import main as child_main

    return child_main()


if __name__ == "__main__":
    sys.exit(main())
