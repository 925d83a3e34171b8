"""Models that are not sequential: a history's state is the recency-weighted mean of its items' vectors."""

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.collaborative.batches import SequenceBatch
from engine.collaborative.losses import pairwise_loss
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.negatives import NegativeSampler
from engine.collaborative.pairs import PairBatch
from engine.collaborative.spec import BprMfShape
from engine.data.sequences import Sequences
from engine.methods.method import StepLoss


class HistoryMeanModel(CollaborativeModel):
    """``z_k``: the mean of the vectors of items up to the k-th, weighted by ``0.5 ** (items since / half-life)``.

    Attributes:
        item_table: the items' own vectors, `items x d`.
        user_table: the users' own vectors, `users x d`, or None.

    Args:
        items: size of the catalogue; index ``items`` is padding.
        train: training items of each user; no negative comes from among them.
        user_vectors: whether users have vectors of their own.
    """

    def __init__(self, items: int, shape: BprMfShape, train: Sequences, *, user_vectors: bool) -> None:
        super().__init__()
        self.items, self.window, self.dimensions = items, shape.window, shape.dimensions
        self.half_life, self.negatives, self.regularization = shape.half_life, shape.negatives, shape.regularization
        self.sampler = NegativeSampler(train, items)
        self.item_table = nn.Parameter(0.1 * torch.randn(items, shape.dimensions))
        self.user_table = nn.Parameter(0.1 * torch.randn(len(train), shape.dimensions)) if user_vectors else None
        self.norm = nn.LayerNorm(shape.dimensions)

    @abstractmethod
    def user_vectors(self) -> tuple[Tensor, Tensor]:
        """The final vectors of users, `users x d`, and of items, `items x d`. Raises ValueError without user vectors."""

    def states(self, items: Tensor, lengths: Tensor, vectors: Tensor) -> Tensor:
        """``z_k``; padding lies behind every real item, so the weights need not know the lengths."""
        places = torch.arange(items.shape[1], device=items.device)
        since = places[:, None] - places
        weights = torch.where(since >= 0, 0.5 ** (since.clamp(min=0) / self.half_life), 0.0).to(vectors.dtype)
        weights = weights / weights.sum(dim=1, keepdim=True)
        return weights @ functional.pad(vectors, (0, 0, 0, 1))[items]

    def loss(self, batch: SequenceBatch, seed: int) -> StepLoss:
        """BPR of each next item against items that the user does not know, by the product with ``LN(z_k)``.

        The norm takes the size out of ``z_k``, so the regularisation needs only targets and negatives.
        """
        supervised = batch.targets != self.items
        targets = batch.targets[supervised]
        users = np.repeat(batch.windows.users, (batch.windows.stops - batch.windows.starts))
        drawn = self.sampler.draw(users, self.negatives, np.random.default_rng([seed, *batch.key]))
        negatives = torch.from_numpy(drawn).to(targets.device)
        vectors = self.catalogue(torch.stack([torch.from_numpy(users).to(targets.device), targets], dim=1))
        states = self.norm(self.states(batch.inputs, batch.lengths, vectors))[supervised]
        own = [self.item_table[targets], self.item_table[negatives].flatten(1) / self.negatives**0.5]
        return StepLoss(pairwise_loss(states, vectors, targets, negatives) + self._size(own), len(targets))

    def pair_loss(self, batch: PairBatch) -> StepLoss:
        """BPR with the users' vectors, as published. Raises ValueError without user vectors."""
        users, items = self.user_vectors()
        loss = pairwise_loss(users[batch.users], items, batch.positives, batch.negatives)
        own = [self.item_table[batch.positives], self.item_table[batch.negatives].flatten(1) / self.negatives**0.5]
        if self.user_table is not None:
            own.append(self.user_table[batch.users])
        return StepLoss(loss + self._size(own), len(batch.users))

    def _size(self, vectors: list[Tensor]) -> Tensor:
        """The regularisation: half the squared size of the vectors of a target, mean over targets."""
        squares = torch.stack([vector.pow(2).sum(dim=1).mean() for vector in vectors])
        return self.regularization * squares.sum() / 2
