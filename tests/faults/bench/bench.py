"""The bench itself: work is going on, things are killed at its moments, and in the end all of it is looked at."""

import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
from django.db import connection

from tests.faults.bench.installation import Installation
from tests.faults.bench.load import Load
from tests.faults.bench.plan import OF_A_WORKER, Kill
from tests.faults.bench.traces import Line, Traces, lives
from tests.faults.bench.truth import Truth
from webapp.experiments.models import MAX_ATTEMPTS, Run, RunState
from workers.database import DATABASE_DOWN

HEALED_SECONDS = 90
PATIENCE = 600
"""Seconds for what has no limit of its own, on a busy machine."""
OF_MOMENT: dict[str, Callable[[Line], bool]] = {
    "training": lambda line: line.what == "step",
    "evaluation": lambda line: line.what == "evaluating",
    "checkpoint": lambda line: line.what == "saving",
    "ingest": lambda line: (line.kind, line.what) == ("ingest", "order"),
    "search": lambda line: (line.kind, line.what) == ("search", "order"),
}


class Bench:
    """Use it once: ``undisturbed``, ``suffer`` for each kill, ``finish``, ``report``."""

    def __init__(self, installation: Installation, load: Load, say: Callable[[str], None]) -> None:
        self.installation, self.load, self.say = installation, load, say
        self.traces = Traces(installation.traces)
        self.truth = Truth(installation, self.traces)
        self.kills: list[dict[str, Any]] = []
        self._healing: list[tuple[dict[str, Any], float, int]] = []

    def undisturbed(self, searches: bool) -> None:
        """Have one of each kind of work done, with nobody killed: the yardstick."""
        self._until(self.load.has_read, "reading")
        self.load.begin()
        if searches:
            self.load.search()
        self._until(lambda: not self.load.unfinished(), "the undisturbed trainings")
        self.load.remember()
        self.load.ask()
        self._until(lambda: not self.load.unfinished(), "the undisturbed lists")

    def suffer(self, kill: Kill) -> None:
        """Wait for the moment, kill, and wait until all is as the rows say again, unless the next one is in a hurry."""
        self.load.keep(kill.moment)
        if len(self.kills) % 3 == 0:
            self.load.ask()
        line = self._moment(kill)
        time.sleep(kill.delay)
        told = {"fault": kill.fault, "moment": kill.moment, "seconds": None}
        self.kills.append(told)
        since = time.monotonic()
        words, struck = self._strike(kill, line)
        self._healing.append((told, since, struck))
        self.say(f"{len(self.kills)}: {words} at {kill.moment}")
        self._look()
        if not kill.hurry:
            self._until(lambda: not self._healing, "healing")

    def finish(self) -> None:
        """Wait for the end of all work."""
        self._until(lambda: not self.load.unfinished() and not self._healing, "the end")

    def report(self) -> dict[str, Any]:
        """What came out.

        kills: fault, moment, and seconds until all was right; lost, twice, different, false, redone: what is wrong, in words
        (redone: work of before a checkpoint); longest: the longest that a row said what was not so, in seconds, and which;
        steps_lost: the most that an attempt had to do again; runs, losses, restarts: how many there were.
        """
        faults = self.load.faults()
        lost, overlaps = self._work_lost()
        return {
            "kills": self.kills,
            "runs": Run.objects.count(),
            "lost": faults["lost"],
            "twice": faults["twice"] + overlaps,
            "different": faults["different"],
            "false": sorted(self.truth.false)
            + [f"{one['fault']}: {one['seconds']:.0f} s" for one in self.kills if one["seconds"] > HEALED_SECONDS],
            "longest": list(self.truth.longest),
            "steps_lost": max(lost.values(), default=0),
            "redone": [words for words, steps in lost.items() if steps < 0],
            "losses": sum(Run.objects.values_list("losses", flat=True)),
            "restarts": self.installation.restarts,
        }

    def _moment(self, kill: Kill) -> Line:
        """The line of the trace that is the moment of ``kill``; a run that has lost enough already is spared."""
        is_it, count, deadline = OF_MOMENT[kill.moment], kill.count, time.monotonic() + PATIENCE
        self.traces.more()
        looked = time.monotonic()
        while time.monotonic() < deadline:
            for line in self.traces.more():
                if is_it(line) and (count := count - 1) <= 0 and lives(line.pid):
                    return line
            if time.monotonic() - looked > 0.5:
                self._look()
                self.load.keep(kill.moment)
                looked = time.monotonic()
            time.sleep(0.002)
        raise AssertionError(f"there was no moment of {kill}")

    def _strike(self, kill: Kill, line: Line) -> tuple[str, int]:
        """Kill; what was killed in words, and its process, 0 if that is gone."""
        if kill.target in OF_A_WORKER:
            return self._strike_worker(kill, line)
        struck = 0
        if kill.target == "redis":
            self.installation.lose_redis(kill.away)
        elif kill.target == "postgres":
            self.installation.lose_postgres(kill.away)
            connection.close()
        else:
            struck = self.installation.strike(kill.target, kill.number)
        if kill.target in ("postgres", "reaper"):
            self.truth.restarted()
        return kill.fault.removeprefix("random: "), struck

    def _strike_worker(self, kill: Kill, line: Line) -> tuple[str, int]:
        number = kill.number
        if kill.target == "child" and number == signal.SIGKILL and not _may_lose(line):
            number = signal.SIGTERM
        try:
            target = psutil.Process(line.pid)
            for _ in range(OF_A_WORKER.index(kill.target)):
                target = target.parent() or target
            # Its parent may have died just before: then it belongs to somebody else.
            if "celery" not in " ".join(target.cmdline()) and target.pid != line.pid:
                return "nobody: the worker had just ended", 0
            target.send_signal(number)
        except psutil.NoSuchProcess:
            return "nobody: it had just ended", 0
        return f"{number.name} of the {kill.target} of {line.kind} {line.row}", target.pid

    def _look(self) -> None:
        self.installation.keep()
        try:
            right = self.truth.look()
        except DATABASE_DOWN:
            connection.close()
            return
        if not right:
            return
        for told, since, struck in self._healing:
            if not lives(struck):
                told["seconds"] = round(time.monotonic() - since, 1)
        self._healing = [one for one in self._healing if one[0]["seconds"] is None]

    def _until(self, ask: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            self._look()
            try:
                if ask():
                    return
            except DATABASE_DOWN:
                connection.close()
            assert time.monotonic() < deadline, f"{what} took too long: {self.load.unfinished()}; {self.truth.wrong}"
            time.sleep(0.1)

    def _work_lost(self) -> tuple[dict[str, int], list[str]]:
        """Steps that had to be done again, by attempt (-1: work of before a checkpoint), and attempts that overlapped."""
        lost: dict[str, int] = {}
        overlaps: list[str] = []
        for run in Run.objects.order_by("pk"):
            reached, saved, last = 0, 0, 0.0
            for number, lines in self.traces.of_run(run.pk).items():
                for line in lines:
                    if line.what == "begin":
                        lost[f"{run}, attempt {number}"] = -1 if line.step < saved else max(reached - line.step, 0)
                        if line.at < last:
                            overlaps.append(f"{run}: attempt {number} began while the one before it was at work")
                        reached = line.step
                    elif line.what == "step":
                        reached = line.step
                    elif line.what == "saved":
                        saved = line.step
                last = max([last, *(line.at for line in lines if line.what in ("step", "saved"))])
        return lost, overlaps


def _may_lose(line: Line) -> bool:
    """A run that is lost three times is lost for good, and reading that is killed fails: right so, and tested elsewhere."""
    if line.kind != "run":
        return line.kind == "search"
    run = Run.objects.filter(pk=line.row).exclude(state=RunState.LOST).first()
    return run is not None and run.losses + 2 < MAX_ATTEMPTS
