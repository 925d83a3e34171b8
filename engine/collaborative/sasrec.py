"""The SASRec network (Kang and McAuley, 2018, arXiv 1808.09781), with blocks that normalise first.

Histories lie left-aligned in a batch and are padded on the right, so causality alone keeps padding out of every state.
Positions count back from the last item of the window: the newest item always has position 0.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.collaborative.batches import SequenceBatch
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.next_item import next_item_loss
from engine.collaborative.spec import SasrecShape, SoftmaxSpec
from engine.methods.method import StepLoss


class Block(nn.Module):
    """Causal self-attention and a feed-forward net, each normalised first and added to its input."""

    def __init__(self, shape: SasrecShape) -> None:
        super().__init__()
        width = shape.dimensions
        self.heads, self.dropout = shape.heads, shape.dropout
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.norm_feedforward = nn.LayerNorm(width)
        self.feedforward = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Dropout(shape.dropout), nn.Linear(width, width), nn.Dropout(shape.dropout)
        )

    def forward(self, states: Tensor) -> Tensor:
        """`batch x items x d_model` to the same shape."""
        batch, length, width = states.shape
        parts = self.query_key_value(self.norm_attention(states)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], dropout_p=dropout, is_causal=True)
        states = states + self.output(mixed.transpose(1, 2).reshape(batch, length, width))
        changed: Tensor = states + self.feedforward(self.norm_feedforward(states))
        return changed


class SasrecNetwork(CollaborativeModel):
    """Item vectors ``c_i`` and causal user states ``z_k``.

    Args:
        items: size of the catalogue; index ``items`` is padding.
        softmax: how the loss over the catalogue is computed.
        proposal: `items`, probabilities that a sampled softmax draws with; None draws uniformly.
    """

    proposal: Tensor | None

    def __init__(
        self, items: int, shape: SasrecShape, softmax: SoftmaxSpec | None = None, proposal: Tensor | None = None
    ) -> None:
        super().__init__()
        self.softmax = softmax or SoftmaxSpec()
        self.register_buffer("proposal", proposal, persistent=False)
        self.items, self.window, self.dimensions = items, shape.window, shape.dimensions
        self.embedding = nn.Embedding(items + 1, shape.dimensions, padding_idx=items)
        self.positions = nn.Embedding(shape.window, shape.dimensions)
        self.dropout = nn.Dropout(shape.dropout)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.blocks))
        self.norm = nn.LayerNorm(shape.dimensions)
        for table in (self.embedding, self.positions):
            nn.init.normal_(table.weight, std=0.02)
        with torch.no_grad():
            self.embedding.weight[items].zero_()

    def catalogue(self, dropped: Tensor | None = None) -> Tensor:
        """The table of item embeddings; there is no graph to drop edges from."""
        return self.embedding.weight[: self.items]

    def forward(self, items: Tensor, lengths: Tensor) -> Tensor:
        """The normed state ``LN(z_k)`` after each item, `batch x length x d`; arguments as for ``states``."""
        normed: Tensor = self.norm(self.states(items, lengths, self.catalogue()))
        return normed

    def loss(self, batch: SequenceBatch, seed: int) -> StepLoss:
        """Softmax over the catalogue at every position."""
        return next_item_loss(self, batch, self.softmax, self.proposal, seed)

    def states(self, items: Tensor, lengths: Tensor, vectors: Tensor) -> Tensor:
        """``z_k``: reads its own embeddings, which ``vectors`` are."""
        back = lengths[:, None] - 1 - torch.arange(items.shape[1], device=items.device)
        states: Tensor = self.embedding(items) * self.embedding.embedding_dim**0.5 + self.positions(back.clamp(min=0))
        states = self.dropout(states)
        for block in self.blocks:
            states = block(states)
        return states
