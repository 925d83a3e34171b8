"""All that the page of a search shows, read at once: its trials by stage, those with a value, and who leads."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from webapp.searches.models import ADVANCING_STATES, FINAL_STAGES, Search, SearchTrial, Stage, TrialState

_COLUMNS = (
    "search_id",
    "stage",
    "number",
    "candidate",
    "origin",
    "expected_mean",
    "expected_sd",
    "acquisition",
    "parameters",
    "warning",
    "state",
    "value",
    "fidelity",
    "run__state",
    "run__progress",
    "run__error",
    "run__seconds",
    "run__valid",
    "run__test",
)
_UNIFORM = "uniform "
"""How the origin of a hand-made uniform trial begins (``engine.search.sampling.baseline_rows``)."""


@dataclass(frozen=True)
class Board:
    """A search and its rows.

    Attributes:
        rows: trials of all stages, by stage and number.
    """

    search: Search
    rows: list[SearchTrial]

    @cached_property
    def trials(self) -> list[SearchTrial]:
        """Those of the search itself, in order of proposal."""
        return [row for row in self.rows if row.stage == Stage.TRIAL]

    @cached_property
    def further(self) -> list[SearchTrial]:
        """Those of the end: the rival's own settings, and the full trainings."""
        return [row for row in self.rows if row.stage == Stage.RIVAL or row.stage in FINAL_STAGES]

    @cached_property
    def done(self) -> list[SearchTrial]:
        """Trials with a value, the best first; whole ones before those that were ended early with the same value."""
        found = [row for row in self.trials if row.value is not None]
        return sorted(found, key=lambda row: (-(row.value or 0.0), -row.fidelity, row.number))

    @cached_property
    def running(self) -> list[SearchTrial]:
        """Rows of any stage that wait or run."""
        return [row for row in self.rows if row.state == TrialState.RUNNING]

    @cached_property
    def whole(self) -> list[SearchTrial]:
        """Those of ``done`` that came as far as any: only their values stand side by side."""
        fullest = max((row.fidelity for row in self.done), default=1.0)
        return [row for row in self.done if row.fidelity == fullest]

    @property
    def best(self) -> SearchTrial | None:
        """The highest value observed."""
        return self.whole[0] if self.whole else None

    @property
    def uniform(self) -> SearchTrial | None:
        """The best of the hand-made trials that treat all layers alike."""
        return next((row for row in self.whole if is_uniform(row)), None)

    @property
    def winner(self) -> SearchTrial | None:
        """The trial that the model believes in most, once all trials have ended."""
        chosen = self.search.winner.get("number")
        return next((row for row in self.done if row.number == chosen), None)

    @property
    def planned(self) -> int:
        """Trials that the search is to have."""
        return int(self.search.plan["trials"])

    @property
    def polling(self) -> bool:
        """Whether something still changes by itself."""
        return self.search.state in ADVANCING_STATES or bool(self.running)

    @cached_property
    def stamp(self) -> str:
        """Changes whenever anything but the progress of runs does."""
        search = self.search
        about = [search.plan["trials"], search.state, search.message, search.winner, bool(search.answer), str(search.finished_at)]
        rows = [(row.pk, row.state) for row in self.rows]
        return hashlib.sha256(json.dumps([about, rows]).encode()).hexdigest()[:12]


def front(rows: Sequence[SearchTrial]) -> list[SearchTrial]:
    """Those of ``rows`` (all with values) that no other beats in both value and size, the smallest first."""
    found: list[SearchTrial] = []
    for row in sorted(rows, key=lambda row: (row.parameters, -(row.value or 0.0))):
        if not found or (row.value or 0.0) > (found[-1].value or 0.0):
            found.append(row)
    return found


def is_uniform(row: SearchTrial) -> bool:
    """Whether it is a hand-made trial with the same adapter in all layers."""
    return row.origin.startswith(_UNIFORM)


def architecture(row: SearchTrial) -> list[str]:
    """The choices, one a layer, the lowest first."""
    found: list[str] = row.candidate["architecture"]
    return found


def settings(row: SearchTrial) -> dict[str, Any]:
    """The further settings of the candidate, by dotted path."""
    found: dict[str, Any] = row.candidate["fields"]
    return found


def load(search: Search) -> Board:
    """Read the search's rows, in one query."""
    rows = search.trials.select_related("run").only(*_COLUMNS).order_by("stage", "number")
    return Board(search, list(rows))
