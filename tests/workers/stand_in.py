"""A child process whose engine does what the test says: ``python -m tests.workers.stand_in`` instead of ``workers.child``.

Everything but ``engine.run`` is real. The behaviour is a JSON file in the run's folder:

    steps: how many steps the run takes (default 3)        pause: seconds a step takes
    fail: "user", "fault" or "memory", at the last step     die: kill itself at this step, as often as ``deaths`` says
    deaf: True does not hear should_stop                    flood: so many metric events a step
"""

import json
import os
import signal
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.durable import write_whole
from engine.errors import RunCancelled, UserError
from engine.events import CheckpointEvent, LogEvent, MetricEvent, ProgressEvent, Report, ResultEvent, WarningEvent
from engine.result import (
    DataCounts,
    ItemLine,
    LayerAdapter,
    MaskPart,
    MaskSample,
    Protocol,
    Result,
    Sample,
    ScoredItem,
    SliceLine,
)

NAME = "behaviour.json"
PROCESS = "process"
"""Into this file of the run's folder goes the number of the process that worked on it last."""


def run(spec: Any, version: Any, workdir: Path, report: Report, *, should_stop: Callable[[], bool]) -> Result:
    """Count steps, with a checkpoint after each."""
    path = workdir / NAME
    behaviour = json.loads(path.read_text()) if path.exists() else {}
    steps = behaviour.get("steps", 3)
    begin = _checkpoint(workdir)
    (workdir / PROCESS).write_text(str(os.getpid()))
    report(LogEvent(message=f"begins at step {begin}"))
    for step in range(begin, steps):
        report(ProgressEvent(phase="training", done=step, total=steps, unit="steps", fraction=step / steps))
        time.sleep(behaviour.get("pause", 0))
        if behaviour.get("die") == step and _deaths(workdir) < behaviour.get("deaths", 1):
            _count_death(workdir)
            os.kill(os.getpid(), signal.SIGKILL)
        for number in range(behaviour.get("flood", 1)):
            report(MetricEvent(split="train", step=step, epoch=0, values={"loss": float("nan") if number else 1.0}))
        if should_stop() and not behaviour.get("deaf"):
            raise RunCancelled
        write_whole(workdir / "checkpoint", str(step + 1))
        report(CheckpointEvent(path="checkpoint", step=step + 1))
    _fail(behaviour.get("fail"))
    report(WarningEvent(message="only a stand-in"))
    report(ProgressEvent(phase="evaluating test", done=1, total=1, unit="users", fraction=1))
    result = make_result(version.hash)
    report(ResultEvent(result=result))
    return result


def make_result(version: str = "v") -> Result:
    """A result with hostile titles."""
    line = ItemLine(id="1", title="<script>\x00")
    return Result(
        method="popularity",
        preset=None,
        data=DataCounts(users=3, items=2, interactions=9),
        protocol=Protocol(
            version=version,
            split="leave-one-out",
            split_hash="s",
            seen="remove",
            candidates="full",
            ties="mid-rank",
            catalogue=2,
            metrics=["hr@10"],
        ),
        valid={"hr@10": 0.25},
        test={"hr@10": 0.5},
        intervals={"test": {"hr@10": (0.25, 0.75)}},
        seconds=1.5,
        trainable_parameters=7,
        targets_per_second=0,
        machine="CPU, 2 threads",
        peak_memory_bytes=3_000_000_000,
        epochs=2,
        best_epoch=1,
        users_evaluated=3,
        slices=[
            SliceLine(
                of="items",
                name="tail",
                bounds="1-9",
                users=3,
                metrics={"ndcg@10": 0.25, "hr@10": 0.5},
                intervals={"ndcg@10": (0.1, 0.4)},
            ),
            SliceLine(of="users", name="long", bounds="21+", users=0, metrics={}),
        ],
        architecture=[LayerAdapter(layer=0, kind="lora", target="both", rank=8, parameters=7)],
        samples=[
            Sample(
                user="u" * 600,
                history=[line],
                target=line,
                rank=0.5,
                recommended=[ScoredItem(id="1", title="a", score=float("inf"))],
            )
        ],
        mask=MaskSample(
            mask="union", history=[line], parts=[MaskPart(title="", tokens=["\x00", "b"], items=[0, 0], rows=["11", "11"])]
        ),
        warnings=["careful"],
    )


def _checkpoint(workdir: Path) -> int:
    path = workdir / "checkpoint"
    return int(path.read_text()) if path.exists() else 0


def _deaths(workdir: Path) -> int:
    return len(list(workdir.glob("death-*")))


def _count_death(workdir: Path) -> None:
    (workdir / f"death-{_deaths(workdir)}").touch()


def _fail(kind: str | None) -> None:
    if kind == "user":
        raise UserError("The window is too long.", "Choose 50 or less.")
    if kind == "fault":
        raise ZeroDivisionError("a secret path")
    if kind == "memory":
        raise MemoryError


def main() -> int:
    """``workers.child.main`` with this module's ``run`` in the place of the engine's."""
    module = types.ModuleType("engine.run")
    module.run = run  # type: ignore[attr-defined]
    sys.modules["engine.run"] = module
    from workers.child import main as child_main

    return child_main()


if __name__ == "__main__":
    sys.exit(main())
