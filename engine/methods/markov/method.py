"""``markov``: what followed an item in the training rows, smoothed by popularity.

With ``reach`` 1 and ``votes`` 1 this is the first-order Markov chain (MC of Ludewig and Jannach, 2018, arXiv 1803.09587). A
larger ``reach`` counts pairs farther apart too, with falling weight (their sequential rules, SR; here the weight falls
geometrically). More ``votes`` mix the rows of the last items, ``P(i | h) = sum_d w_d Q(i | h_d)`` with weights that sum to 1:
Raftery's mixture transition distribution (1985) with one matrix. Smoothing is additive towards the popularity ``p`` (MacKay and
Peto, 1995): ``Q(i | j) = (n_ji + s p_i) / (n_j + s)``, so that an item that nothing followed yet predicts ``p`` itself.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from engine.data.sequences import Sequences
from engine.evaluation.evaluator import History, Score, Users
from engine.methods.markov.spec import MarkovSpec
from engine.methods.method import Method
from engine.methods.sparse_rows import SparseRows, recent_votes
from engine.methods.state import take_tensors


class Implementation(Method[MarkovSpec]):
    """Counts over training rows only; the matrix stays sparse, what smoothing adds is a vector an axis."""

    def fit_counts(self) -> None:
        """Count pairs and popularity."""
        train, items = self.context.split.train, self.context.version.counts.items
        counts = count_pairs(train, items, self.settings, self.context.check_stop)
        totals = counts.sum(axis=1) + self.settings.smoothing
        popularity = np.bincount(train.items, minlength=items) / len(train.items)
        device = self.context.device
        self.rows = SparseRows.from_matrix(sparse.diags_array(1 / totals) @ counts, device)
        self.rest = torch.from_numpy((self.settings.smoothing / totals).astype(np.float32)).to(device)
        self.popularity = torch.from_numpy(popularity.astype(np.float32)).to(device)

    def scorer(self) -> Score:
        """``P(i | h)``, a distribution over the catalogue for each history."""

        def score(histories: Sequence[History], users: Users | None) -> Tensor:
            votes = recent_votes(histories, self.settings.votes, self.settings.vote_decay, self.rows.values.device)
            batch = len(histories)
            weight = torch.zeros(batch, device=votes.weights.device).index_add_(0, votes.voters, votes.weights)
            rest = torch.zeros_like(weight).index_add_(0, votes.voters, votes.weights * self.rest[votes.sources])
            return (self.rows.sums(votes, batch) + rest[:, None] * self.popularity) / weight[:, None]

        return score

    def state(self) -> dict[str, Tensor]:
        """The sparse rows, what smoothing leaves to popularity after each item, and the popularity."""
        return {**self.rows.state(), "rest": self.rest, "popularity": self.popularity}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over counts."""
        items, device = self.context.version.counts.items, self.context.device
        own = {"rest": torch.empty(items), "popularity": torch.empty(items)}
        taken = take_tensors(own, {name: tensor for name, tensor in state.items() if name in own})
        self.rows = SparseRows.from_state({name: tensor for name, tensor in state.items() if name not in own}, items, device)
        self.rest, self.popularity = taken["rest"].to(device), taken["popularity"].to(device)


def count_pairs(train: Sequences, items: int, settings: MarkovSpec, check_stop: Callable[[], None]) -> "sparse.csr_array":
    """``n_ji``, how often ``i`` came after ``j`` in the same sequence: `items x items`, float64.

    A pair ``d`` steps apart, up to ``settings.reach``, counts ``settings.reach_decay ** (d - 1)``.
    """
    user = np.repeat(np.arange(len(train)), train.lengths)
    counts = sparse.csr_array((items, items), dtype=np.float64)
    for steps in range(1, settings.reach + 1):
        check_stop()
        same = user[steps:] == user[:-steps]
        pairs = (train.items[:-steps][same], train.items[steps:][same])
        weights = np.full(len(pairs[0]), settings.reach_decay ** (steps - 1))
        counts = counts + sparse.coo_array((weights, pairs), shape=(items, items)).tocsr()
    return counts
