"""The HSTU network (Zhai et al., 2024, arXiv 2402.17152, equations 1 to 3; published code: meta-recsys/generative-recommenders).

    U, V, Q, K = split(silu(W1 LN(X)))
    A V        = silu(Q K' + bias) V / n
    X'         = X + W2 (LN(A V) * U)

Adapted, where the published code for ordinary sequential recommendation differs: the relative bias knows positions only, since
a history comes without its times (the code adds a bias for each of 128 buckets of time); ``n`` is the number of items that a
position sees, not the longest length there may be, so that neither padding nor the window's size moves a state; the loss is a
softmax over the whole catalogue unless told, instead of one over 128 sampled items; and states are normed by a layer norm
before the product, as in every sequence model here, instead of vectors of length 1 divided by a temperature.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.collaborative.batches import SequenceBatch
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.next_item import next_item_loss
from engine.collaborative.spec import HstuShape, SoftmaxSpec
from engine.methods.method import StepLoss

EPSILON = 1e-6  # of the norms inside a unit, which have no weights, as in the published code


class Unit(nn.Module):
    """One transduction unit: causal pointwise attention, gated."""

    def __init__(self, settings: HstuShape) -> None:
        super().__init__()
        self.heads = settings.heads
        self.widths = [settings.value_dimensions] * 2 + [settings.attention_dimensions] * 2
        self.values = settings.heads * settings.value_dimensions
        self.project = nn.Linear(settings.dimensions, settings.heads * sum(self.widths), bias=False)
        self.bias = nn.Parameter(torch.empty(settings.window)) if settings.relative_bias else None
        self.dropout = nn.Dropout(settings.unit_dropout)
        self.output = nn.Linear(self.values, settings.dimensions)
        nn.init.normal_(self.project.weight, std=0.02)
        nn.init.xavier_uniform_(self.output.weight)
        if self.bias is not None:
            nn.init.normal_(self.bias, std=0.02)

    def forward(self, states: Tensor, distance: Tensor, share: Tensor) -> Tensor:
        """`batch x length x d` to the same shape.

        Args:
            distance: int64, `length x length`: how far before each position (rows) each other one lies; 0 for later ones.
            share: `length x length`: 1 / n for the n positions up to the row's own, 0 for later ones.
        """
        batch, length, width = states.shape
        projected = functional.silu(self.project(functional.layer_norm(states, [width], eps=EPSILON)))
        parts = projected.view(batch, length, self.heads, -1).transpose(1, 2).split(self.widths, dim=-1)
        gate, value, query, key = parts
        scores = query @ key.transpose(-1, -2)
        if self.bias is not None:
            scores = scores + self.bias[distance]
        mixed = (functional.silu(scores) * share) @ value
        mixed = functional.layer_norm(mixed.transpose(1, 2).reshape(batch, length, self.values), [self.values], eps=EPSILON)
        gated = mixed * gate.transpose(1, 2).reshape(batch, length, self.values)
        changed: Tensor = states + self.output(self.dropout(gated))
        return changed


class HstuNetwork(CollaborativeModel):
    """Item vectors ``c_i`` and causal user states ``z_k``.

    Args:
        items: size of the catalogue; index ``items`` is padding.
        proposal: `items`, probabilities that a sampled softmax draws with; None draws uniformly.
    """

    proposal: Tensor | None

    def __init__(
        self, items: int, settings: HstuShape, softmax: SoftmaxSpec | None = None, proposal: Tensor | None = None
    ) -> None:
        super().__init__()
        self.softmax = softmax or SoftmaxSpec()
        self.register_buffer("proposal", proposal, persistent=False)
        self.items, self.window, self.dimensions = items, settings.window, settings.dimensions
        self.embedding = nn.Embedding(items + 1, settings.dimensions, padding_idx=items)
        self.positions = nn.Embedding(settings.window, settings.dimensions) if settings.positions else None
        self.dropout = nn.Dropout(settings.dropout)
        self.units = nn.ModuleList(Unit(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.dimensions)
        for table in (self.embedding, self.positions):
            if table is not None:
                nn.init.normal_(table.weight, std=0.02)
        with torch.no_grad():
            self.embedding.weight[items].zero_()

    def catalogue(self, dropped: Tensor | None = None) -> Tensor:
        """The table of item embeddings; there is no graph to drop edges from."""
        return self.embedding.weight[: self.items]

    def states(self, items: Tensor, lengths: Tensor, vectors: Tensor) -> Tensor:
        """``z_k``: reads its own embeddings, which ``vectors`` are. Positions count from the first item of the window."""
        order = torch.arange(items.shape[1], device=items.device)
        states: Tensor = self.embedding(items) * self.dimensions**0.5
        if self.positions is not None:
            states = states + self.positions(order)
        states = self.dropout(states)
        back = order[:, None] - order
        share = torch.where(back >= 0, 1.0 / (order[:, None] + 1), 0.0)
        for unit in self.units:
            states = unit(states, back.clamp(min=0), share)
        return states

    def loss(self, batch: SequenceBatch, seed: int) -> StepLoss:
        """Softmax over the catalogue at every position."""
        return next_item_loss(self, batch, self.softmax, self.proposal, seed)
