"""Runs as processes beside each other, each with its log beside its folder."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import RunCancelled
from engine.spec import RunSpec

LOOK_EVERY = 0.1
STOPPED = 130

Ended = Callable[[str, str | None], None]


@dataclass(frozen=True)
class _Child:
    name: str
    process: subprocess.Popen[str]
    log: Path

    def stop(self) -> None:
        """End its input: it stops at a checkpoint. So does the end of this process, however it comes."""
        if self.process.stdin is not None:
            self.process.stdin.close()


def run_in_children(
    orders: Mapping[str, tuple[RunSpec, Path]], version: Path, jobs: int, ended: Ended, should_stop: Callable[[], bool]
) -> None:
    """Run all ``orders`` (name: spec and folder), ``jobs`` at once; ``ended(name, problem or None)`` after each.

    Raises:
        RunCancelled: ``should_stop`` said so; all processes have ended at a checkpoint by then.
    """
    waiting = list(orders)
    running: list[_Child] = []
    stopping = False
    try:
        while running or (waiting and not stopping):
            if should_stop() and not stopping:
                stopping = True
                for child in running:
                    child.stop()
            while waiting and len(running) < jobs and not stopping:
                name = waiting.pop(0)
                running.append(_start(name, *orders[name], version))
            for child in [child for child in running if child.process.poll() is not None]:
                running.remove(child)
                child.stop()
                if child.process.returncode != STOPPED or not stopping:
                    ended(child.name, _problem(child))
            time.sleep(LOOK_EVERY)
    finally:
        for child in running:
            child.stop()
            child.process.wait()
    if stopping:
        raise RunCancelled


def _start(name: str, spec: RunSpec, folder: Path, version: Path) -> _Child:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    order = {"spec": spec.model_dump(mode="json"), "version": str(version.resolve()), "folder": str(folder.resolve())}
    with log.open("a", encoding="utf-8") as stream:
        # A session of its own: Ctrl-C reaches the study alone, which then ends its children in order.
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.study.child"],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    assert process.stdin is not None  # noqa: S101 - asked for above
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return _Child(name, process, log)


def _problem(child: _Child) -> str | None:
    if child.process.returncode == 0:
        return None
    lines = [line for line in child.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    return f"{last} (exit code {child.process.returncode}, see {child.log})"
