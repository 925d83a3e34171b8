"""The BERT4Rec network (Sun et al., 2019, arXiv 1904.06690): a transformer that sees both sides of a masked item.

As published: blocks that normalise last (equation 6; first is a setting), GELU (7), an output head that shares the item vectors
and has a bias for each item (8), and a softmax over the whole catalogue at masked positions alone. The head's layer norm is
BERT's. Adapted: positions count back from the newest, so that the mask behind a history always has position 0, however short
the history is.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.collaborative.batches import SequenceBatch, history_batch
from engine.collaborative.softmax import catalogue_loss
from engine.evaluation.evaluator import History, Score, Users
from engine.methods.bert4rec.masks import draw_masks
from engine.methods.bert4rec.spec import Bert4recSpec
from engine.methods.method import StepLoss
from engine.methods.vectors import Queries

WIDENING = 4  # of the feed-forward net, as published
SPREAD = 0.02  # of all weights at the start: a normal distribution within these bounds, as published (section 4.3)


class Block(nn.Module):
    """Self-attention over the whole window and a feed-forward net, each added to its input and normalised then."""

    def __init__(self, settings: Bert4recSpec) -> None:
        super().__init__()
        width = settings.dimensions
        self.heads, self.dropout, self.first = settings.heads, settings.dropout, settings.norm == "first"
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Sequential(nn.Linear(width, width), nn.Dropout(settings.dropout))
        self.norm_attention = nn.LayerNorm(width)
        self.feedforward = nn.Sequential(
            nn.Linear(width, WIDENING * width), nn.GELU(), nn.Linear(WIDENING * width, width), nn.Dropout(settings.dropout)
        )
        self.norm_feedforward = nn.LayerNorm(width)

    def forward(self, states: Tensor, visible: Tensor) -> Tensor:
        """`batch x length x d` to the same shape; ``visible``, `batch x 1 x 1 x length`, is False at padding."""
        if self.first:
            states = states + self._attend(self.norm_attention(states), visible)
            before: Tensor = states + self.feedforward(self.norm_feedforward(states))
            return before
        states = self.norm_attention(states + self._attend(states, visible))
        after: Tensor = self.norm_feedforward(states + self.feedforward(states))
        return after

    def _attend(self, states: Tensor, visible: Tensor) -> Tensor:
        batch, length, width = states.shape
        parts = self.query_key_value(states).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=visible, dropout_p=dropout)
        attended: Tensor = self.output(mixed.transpose(1, 2).reshape(batch, length, width))
        return attended


class Bert4recNetwork(nn.Module):
    """Fills masked items in.

    Args:
        items: size of the catalogue; index ``items`` is padding, ``items + 1`` the mask.
        proposal: `items`, probabilities that a sampled softmax draws with; None draws uniformly.
    """

    proposal: Tensor | None

    def __init__(self, items: int, settings: Bert4recSpec, proposal: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("proposal", proposal, persistent=False)
        self.items, self.settings, self.mask = items, settings, items + 1
        width = settings.dimensions
        self.embedding = nn.Embedding(items + 2, width, padding_idx=items)
        self.positions = nn.Embedding(settings.window, width)
        self.entry = nn.Sequential(nn.LayerNorm(width), nn.Dropout(settings.dropout))
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.blocks))
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(items))
        for module in self.modules():
            if isinstance(module, nn.Embedding | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=SPREAD, a=-SPREAD, b=SPREAD)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.embedding.weight[items].zero_()

    def catalogue(self) -> Tensor:
        """The item vectors with their biases as a last column: `items x (d + 1)`."""
        return torch.cat([self.embedding.weight[: self.items], self.bias[:, None]], dim=1)

    def forward(self, items: Tensor, lengths: Tensor) -> Tensor:
        """The state at each position: `batch x length x d`.

        Args:
            items: `batch x length`, oldest first, masks included, padded on the right.
            lengths: `batch`, number of positions without padding, at most ``window``.
        """
        order = torch.arange(items.shape[1], device=items.device)
        states: Tensor = self.embedding(items) + self.positions((lengths[:, None] - 1 - order).clamp(min=0))
        states = self.entry(states)
        visible = (order < lengths[:, None])[:, None, None]
        for block in self.blocks:
            states = block(states, visible)
        return states

    def answers(self, states: Tensor) -> Tensor:
        """What is multiplied with ``catalogue``: the head's output and a 1 for the bias, `n x d` to `n x (d + 1)`."""
        return functional.pad(self.head(states), (0, 1), value=1.0)

    def loss(self, batch: SequenceBatch, seed: int) -> StepLoss:
        """Softmax over the catalogue at masked positions; which these are comes from ``seed`` and ``batch.key`` alone."""
        items, lengths = whole_windows(batch, self.items)
        generator = np.random.default_rng([seed, *batch.key])
        settings = self.settings
        drawn = draw_masks(lengths.cpu().numpy(), items.shape[1], settings.mask_probability, settings.last_share, generator)
        masked = torch.from_numpy(drawn).to(items.device)
        targets = items[masked]
        states = self(items.masked_fill(masked, self.mask), lengths)[masked]
        loss = catalogue_loss(self.answers(states), self.catalogue(), targets, settings, generator, self.proposal)
        return StepLoss(loss, len(targets))

    def scorer(self) -> Score:
        """Ranks by what the network fills in for a mask behind the history."""
        vectors, queries = self.vectors()

        @torch.no_grad()
        def score(histories: Sequence[History], users: Users | None) -> Tensor:
            return queries(histories, users) @ vectors.T

        return score

    def vectors(self) -> tuple[Tensor, Queries]:
        """``catalogue``, and what is multiplied with it for a mask behind each history."""
        with torch.no_grad():
            vectors = self.catalogue()

        @torch.no_grad()
        def queries(histories: Sequence[History], users: Users | None) -> Tensor:
            items, lengths = history_batch(histories, self.settings.window - 1, self.items, vectors.device)
            rows = torch.arange(len(items), device=vectors.device)
            items = functional.pad(items, (0, 1), value=self.items)
            items[rows, lengths] = self.mask
            return self.answers(self(items, lengths + 1)[rows, lengths])

        return vectors, queries


def whole_windows(batch: SequenceBatch, padding: int) -> tuple[Tensor, Tensor]:
    """The windows with their last target: `batch x (length + 1)`, padded on the right, and their lengths."""
    rows = torch.arange(len(batch.inputs), device=batch.inputs.device)
    items = functional.pad(batch.inputs, (0, 1), value=padding)
    items[rows, batch.lengths] = batch.targets[rows, batch.lengths - 1]
    return items, batch.lengths + 1
