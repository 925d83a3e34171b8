"""``popularity``: everybody gets the items with the most training interactions."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engine.evaluation.evaluator import History, Score, Users
from engine.methods.method import Method
from engine.methods.popularity.spec import PopularitySpec
from engine.methods.state import take_tensors


class Implementation(Method[PopularitySpec]):
    """Counts over training rows only: a held-out interaction never votes for its own item."""

    def fit_counts(self) -> None:
        """Count the training interactions of each item."""
        counts = np.bincount(self.context.split.train.items, minlength=self.context.version.counts.items)
        self.counts = torch.from_numpy(counts.astype(np.float32)).to(self.context.device)

    def scorer(self) -> Score:
        """The counts, once for each history."""

        def score(histories: Sequence[History], users: Users | None) -> Tensor:
            return self.counts.repeat(len(histories), 1)

        return score

    def state(self) -> dict[str, Tensor]:
        """The counts."""
        return {"counts": self.counts}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over the counts."""
        expected = {"counts": torch.empty(self.context.version.counts.items)}
        self.counts = take_tensors(expected, state)["counts"].to(self.context.device)
