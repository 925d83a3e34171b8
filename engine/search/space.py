"""The search space as the rest of the product uses it: candidates in, candidates out."""

import numpy as np

from engine.search.layout import Layout, SpaceError
from engine.search.sampling import baseline_rows, neighbour_rows, sample_rows
from engine.search.trial import Candidate


class SearchSpace(Layout):
    """All candidates of a ``SpaceSpec`` for a backbone: see ``Layout`` for its arguments and attributes."""

    def canonical(self, candidate: Candidate) -> Candidate:
        """The one form of ``candidate`` in this space; raises SpaceError if it is not in it (the budget is not asked)."""
        return self.decode(self.encode(candidate))

    def holds(self, candidate: Candidate) -> bool:
        """True if ``candidate`` can be written in this space: known choices and values, groups tied; over the budget or not."""
        try:
            self.encode(candidate)
        except SpaceError:
            return False
        return True

    def contains(self, candidate: Candidate) -> bool:
        """True if ``candidate`` may be proposed: the space holds it, and it is within the budget."""
        return self.holds(candidate) and self.parameters(candidate) <= self.limit

    def parameters(self, candidate: Candidate) -> int:
        """Trainable adapter parameters of ``candidate``."""
        return int(self.row_costs(self.encode(candidate)[None])[0])

    def baselines(self) -> list[Candidate]:
        """The hand-made first candidates, all within the budget: uniform adapters, upper or lower half only, nothing."""
        return [self.decode(row) for row, _ in baseline_rows(self)]

    def sample(self, generator: np.random.Generator, count: int) -> list[Candidate]:
        """``count`` candidates by chance, within the budget; the same one may come twice."""
        return [self.decode(row) for row in sample_rows(self, generator, count)]

    def neighbours(self, candidate: Candidate) -> list[Candidate]:
        """Candidates within the budget, one change or one swap of two groups away from ``candidate``."""
        return [self.decode(row) for row in neighbour_rows(self, self.encode(candidate))]
