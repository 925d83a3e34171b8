"""Points that need no model: hand-made baselines, then a scrambled Sobol sequence; and the book of what is taken."""

from collections.abc import Sequence

import numpy as np

from engine.search.layout import Rows
from engine.search.sampling import baseline_rows, sobol_rows
from engine.search.space import SearchSpace
from engine.search.spec import SearchSpec
from engine.search.trial import Proposal, Trial

_LONGEST_SEQUENCE = 16_384


class Taken:
    """Rows that may not be proposed: those of all trials, and those proposed in this call."""

    def __init__(self, space: SearchSpace, trials: Sequence[Trial]) -> None:
        self._columns = space.columns
        self._rows: dict[bytes, Rows] = {}
        for trial in trials:
            self.add(space.encode(trial.candidate))
        self._before = len(self._rows)

    def add(self, row: Rows) -> None:
        """Take ``row``."""
        self._rows[row.tobytes()] = row

    def __contains__(self, row: Rows) -> bool:
        return row.tobytes() in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> Rows:
        """All that is taken, `n x columns`."""
        return np.array(list(self._rows.values()), dtype=np.int64).reshape(-1, self._columns)

    def new_rows(self) -> Rows:
        """What was taken in this call, `n x columns`."""
        return self.rows()[self._before :]


def start_proposals(space: SearchSpace, spec: SearchSpec, taken: Taken, count: int) -> list[Proposal]:
    """Up to ``count`` of the first points that are not taken yet: the baselines, then ``spec.start`` Sobol points."""
    first = {row.tobytes(): (row, origin) for row, origin in baseline_rows(space)}
    wanted = len(first) + spec.start
    for row in sobol_rows(space, 2 * wanted, spec.seed):  # some may repeat a baseline
        if len(first) < wanted:
            first.setdefault(row.tobytes(), (row, "sobol"))
    return _take(space, taken, list(first.values()), count)


def sobol_proposals(
    space: SearchSpace, spec: SearchSpec, taken: Taken, count: int, origin: str, warning: str = ""
) -> list[Proposal]:
    """Up to ``count`` points of the sequence, after the first ones, that are not taken yet."""
    proposals: list[Proposal] = []
    length = 64
    while len(proposals) < count and length <= _LONGEST_SEQUENCE:
        rows = [(row, origin) for row in sobol_rows(space, length, spec.seed)]
        proposals += _take(space, taken, rows, count - len(proposals), warning)
        length *= 4
    return proposals


def _take(space: SearchSpace, taken: Taken, rows: Sequence[tuple[Rows, str]], count: int, warning: str = "") -> list[Proposal]:
    proposals: list[Proposal] = []
    for row, origin in rows:
        if len(proposals) == count:
            break
        if row not in taken:
            taken.add(row)
            proposals.append(Proposal(space.decode(row), origin, warning=warning))
    return proposals
