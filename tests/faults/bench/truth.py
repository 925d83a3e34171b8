"""What rows say, beside what is so. Needs Django set up."""

import time
from dataclasses import dataclass, field

from tests.faults.bench.installation import Installation
from tests.faults.bench.traces import Traces
from webapp.datasets.models import Version, VersionState
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.models import ACTIVE_STATES, WORKING_STATES, Run

WRONG_SECONDS = 60
"""So long may a page say what no worker does ..."""
AFTER_RESTART_SECONDS = 120
"""... and so long after a restart of the reaper or the database."""


@dataclass
class Truth:
    """Looks again and again.

    Attributes:
        wrong: what is wrong now, and since when (monotonic).
        longest: the longest that something was wrong, in seconds, and what.
        false: what was wrong for longer than it may be.
        excused_until: until then the longer limit counts.
    """

    installation: Installation
    traces: Traces
    wrong: dict[str, float] = field(default_factory=dict)
    longest: tuple[float, str] = (0.0, "")
    false: set[str] = field(default_factory=set)
    excused_until: float = 0.0

    def restarted(self) -> None:
        """Reaper or database have just been restarted."""
        self.excused_until = time.monotonic() + AFTER_RESTART_SECONDS

    def look(self) -> bool:
        """Compare; True if all is as the rows say, and every service answers."""
        now = time.monotonic()
        # The rows first: what begins in between is no lie.
        said = self._said()
        done = self.traces.working()
        wrong = {
            f"{kind} {row} says {state} in attempt {attempt}"
            for kind, row, attempt, state in said
            if (kind, row, attempt) not in done
        }
        open_runs = set(Run.objects.filter(state__in=ACTIVE_STATES).values_list("pk", flat=True))
        wrong |= {
            f"run {row} has ended, attempt {attempt} goes on"
            for kind, row, attempt in done
            if kind == "run" and row not in open_runs
        }
        for words in wrong:
            self.wrong.setdefault(words, now)
        for words in set(self.wrong) - wrong:
            del self.wrong[words]
        for words, since in self.wrong.items():
            self.longest = max(self.longest, (now - since, words))
            if now - since > (AFTER_RESTART_SECONDS if now < self.excused_until else WRONG_SECONDS):
                self.false.add(words)
        return not wrong and self.installation.answers()

    @staticmethod
    def _said() -> list[tuple[str, int, int, str]]:
        runs = Run.objects.filter(state__in=WORKING_STATES).values_list("pk", "attempt", "state")
        versions = Version.objects.filter(state=VersionState.INGESTING).values_list("pk", "attempt", "state")
        lists = UserLists.objects.filter(state=ListsState.MAKING).values_list("pk", "attempt", "state")
        kinds = (("run", runs), ("ingest", versions), ("lists", lists))
        return [(kind, *row) for kind, rows in kinds for row in rows]
