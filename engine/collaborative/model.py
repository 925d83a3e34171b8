"""What every collaborative (CF) model offers: to its own method, and to ``darec``, which injects what it knows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.collaborative.batches import SequenceBatch, history_batch
from engine.evaluation.evaluator import History, Score, Users
from engine.methods.method import StepLoss
from engine.methods.vectors import Queries


class CollaborativeModel(nn.Module, ABC):
    """Item vectors ``c_i`` and causal user states ``z_k``; ``<LN(z_k), c_i>`` ranks the item after the k-th.

    Attributes:
        items: size of the catalogue; the index ``items`` is padding.
        window: items of a history that it reads at most.
        dimensions: size of vectors and states, ``d``.
        norm: the last norm, LN.
    """

    items: int
    window: int
    dimensions: int
    norm: nn.LayerNorm

    @abstractmethod
    def catalogue(self, dropped: Tensor | None = None) -> Tensor:
        """``c_i``: `items x d`; computed once for a training step or an evaluation.

        Args:
            dropped: `edges x 2`, (user, item) pairs that a model with a graph leaves out of it, because the batch predicts them.
        """

    @abstractmethod
    def states(self, items: Tensor, lengths: Tensor, vectors: Tensor) -> Tensor:
        """``z_k`` after each item, before the last norm: `batch x length x d`. Depends on items up to the k-th alone.

        Args:
            items: `batch x length`, oldest first, padded on the right with the index ``self.items``.
            lengths: `batch`, number of items without padding, at most ``window``.
            vectors: what ``catalogue`` gave.
        """

    @abstractmethod
    def loss(self, batch: SequenceBatch, seed: int) -> StepLoss:
        """The model's own loss over a batch of windows, ``L_cf``; chance comes from ``seed`` and ``batch.key`` alone."""

    def last_states(self, histories: Sequence[History], vectors: Tensor) -> Tensor:
        """``z`` after the last item of each history, before the last norm: `histories x d`; ``vectors`` as for ``states``."""
        items, lengths = history_batch(histories, self.window, self.items, vectors.device)
        states = self.states(items, lengths, vectors)
        return states[torch.arange(len(states), device=vectors.device), lengths - 1]

    def scorer(self) -> Score:
        """Ranks by the product of the normed last state of each history with each item vector."""
        vectors, queries = self.vectors()

        @torch.no_grad()
        def score(histories: Sequence[History], users: Users | None) -> Tensor:
            return queries(histories, users) @ vectors.T

        return score

    def vectors(self) -> tuple[Tensor, Queries]:
        """``c_i``, `items x d`, and the normed last state of each history: their product is what ``scorer`` ranks by."""
        with torch.no_grad():
            vectors = self.catalogue()

        @torch.no_grad()
        def queries(histories: Sequence[History], users: Users | None) -> Tensor:
            states: Tensor = self.norm(self.last_states(histories, vectors))
            return states

        return vectors, queries
