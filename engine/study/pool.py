"""Runs in processes beside each other. A process stays warm: it takes one run after the other, each with a log of its own."""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from engine.spec import RunSpec

LOOK_EVERY = 0.1
STOPPED = 130


@dataclass(frozen=True)
class Ended:
    """A run that is over: ``problem`` says what went wrong, None if nothing; ``stopped``: at a checkpoint, as it was asked."""

    name: str
    problem: str | None
    stopped: bool = False


class _Child:
    """A process and the run that it works on, if any."""

    def __init__(self, version: Path) -> None:
        # A session of its own: Ctrl-C reaches the parent alone, which then ends its children in order.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.study.child", str(version.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.name: str | None = None
        self.log = Path(os.devnull)

    @property
    def replies(self) -> IO[bytes]:
        """A line for each run that ended."""
        assert self.process.stdout is not None  # noqa: S101 - asked for above
        return self.process.stdout

    def start(self, name: str, spec: RunSpec, folder: Path) -> None:
        """Give it a run."""
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.log = name, folder.with_name(f"{folder.name}.log")
        order = {"spec": spec.model_dump(mode="json"), "folder": str(folder.resolve()), "log": str(self.log.resolve())}
        assert self.process.stdin is not None  # noqa: S101 - asked for above
        try:
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return  # it died between two runs: the end of its replies tells

    def ended(self) -> Ended:
        """Read what became of its run; waits for the process if it died."""
        assert self.name is not None  # noqa: S101 - only asked of one that has a run
        name, self.name = self.name, None
        line = self.replies.readline()
        code = int(json.loads(line)["code"]) if line else self.process.wait()
        return Ended(name, None if code in (0, STOPPED) else self._problem(code), stopped=code == STOPPED)

    def close(self) -> None:
        """End its input: it stops its run at a checkpoint, if it has one. So does the end of this process, however it comes."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                return  # it died before it read its last order

    def _problem(self, code: int) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""
        lines = [line for line in text.splitlines() if line.strip()]
        return f"{lines[-1] if lines else 'it said nothing'} (exit code {code}, see {self.log})"


class RunPool:
    """Up to ``jobs`` runs at once on one version; as a context manager, which stops and waits for all processes at its end."""

    def __init__(self, version: Path, jobs: int) -> None:
        self.version, self.jobs = version, jobs
        self._idle: list[_Child] = []
        self._busy: list[_Child] = []

    def __enter__(self) -> "RunPool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        children = [*self._idle, *self._busy]
        for child in children:
            child.close()
        for child in children:
            child.process.wait()
            child.replies.close()

    @property
    def free(self) -> int:
        """How many more runs can be started."""
        return self.jobs - len(self._busy)

    @property
    def running(self) -> list[str]:
        """Names of the runs in work."""
        return [child.name for child in self._busy if child.name is not None]

    def start(self, name: str, spec: RunSpec, folder: Path) -> None:
        """Start a run; its log lies beside its folder."""
        if not self.free:
            raise RuntimeError(f"all {self.jobs} processes are busy")
        child = self._idle.pop() if self._idle else _Child(self.version)
        self._busy.append(child)
        child.start(name, spec, folder)

    def wait(self, should_stop: Callable[[], bool]) -> list[Ended]:
        """Wait until a run ends; those that did. Once ``should_stop`` says so: stops all, and gives every one."""
        with selectors.DefaultSelector() as selector:
            for child in self._busy:
                selector.register(child.replies, selectors.EVENT_READ, child)
            found: list[_Child] = []
            while self._busy and not found and not should_stop():
                found = [key.data for key, _ in selector.select(LOOK_EVERY)]
        if should_stop():
            found = list(self._busy)
            for child in found:
                child.close()
        return [self._take_back(child) for child in found]

    def _take_back(self, child: _Child) -> Ended:
        ended = child.ended()
        self._busy.remove(child)
        if child.process.poll() is None and child.process.stdin is not None and not child.process.stdin.closed:
            self._idle.append(child)
        else:
            child.close()
            child.process.wait()
            child.replies.close()
        return ended
