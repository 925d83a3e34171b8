"""What children write down about themselves, beside everything that is tested, so that the truth is known without the database.

Each line is written by one ``write`` of the kernel's, and survives a kill.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

VARIABLE = "BENCH_TRACES"
"""Names the folder."""


@dataclass(frozen=True)
class Line:
    """Something that process ``pid`` did at ``at`` (seconds, monotonic for the machine), for attempt ``attempt`` at row ``row``.

    ``what`` is order or done (of any order, ``kind`` says of which), or of a run begin, step, saving, saved, evaluating; with
    the step that the training was at.
    """

    at: float
    pid: int
    kind: str
    row: int
    attempt: int
    what: str
    step: int


def write(kind: str, row: int, attempt: int, what: str, step: int = 0) -> None:
    """Append a line to this process's file."""
    text = f"{time.monotonic()} {os.getpid()} {kind} {row} {attempt} {what} {step}\n"
    file = os.open(Path(os.environ[VARIABLE]) / str(os.getpid()), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


class Traces:
    """Reads what all children have written so far, each line once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[Line] = []
        self._read: dict[str, int] = {}

    def more(self) -> list[Line]:
        """The lines that are new since the last call, those of one process in their order."""
        found = list(self._more())
        self.lines += found
        return found

    def working(self) -> dict[tuple[str, int, int], int]:
        """What is being worked on by a living process: its number by kind, row and attempt."""
        self.more()
        last = {line.pid: line for line in self.lines if line.what in ("order", "done")}
        return {(each.kind, each.row, each.attempt): pid for pid, each in last.items() if each.what == "order" and lives(pid)}

    def of_run(self, row: int) -> dict[int, list[Line]]:
        """The lines of each attempt at a run, by its number."""
        attempts: dict[int, list[Line]] = {}
        for line in sorted(self.lines, key=lambda line: line.at):
            if line.kind == "run" and line.row == row:
                attempts.setdefault(line.attempt, []).append(line)
        return dict(sorted(attempts.items()))

    def _more(self) -> Iterator[Line]:
        for path in self.folder.iterdir():
            size = path.stat().st_size
            begin = self._read.get(path.name, 0)
            if size <= begin:
                continue
            with path.open() as file:
                file.seek(begin)
                text = file.read(size - begin)
            whole = text.rpartition("\n")[0]
            self._read[path.name] = begin + len(whole) + 1
            for line in whole.splitlines():
                at, pid, kind, row, attempt, what, step = line.split()
                yield Line(float(at), int(pid), kind, int(row), int(attempt), what, int(step))


def lives(pid: int) -> bool:
    """Whether the process runs; one that is dead but not yet waited for does not. Nor does 0."""
    try:
        return pid > 0 and psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False
