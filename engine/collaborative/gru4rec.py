"""The GRU4Rec network (Hidasi et al., 2016, arXiv 1511.06939): gated recurrent units over item vectors.

Adapted: histories are windows in a padded batch instead of session-parallel mini-batches; every position predicts its next item
with a softmax over the catalogue, all of it unless told, instead of a ranking loss (BPR, TOP1) over the items of the
mini-batch; input and output share their item vectors ("constrained embedding" of the authors' later code), with a linear layer
from the units to these; and the state is normed before the product, as in every sequence model here.
"""

import torch
from torch import Tensor, nn

from engine.collaborative.batches import SequenceBatch
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.next_item import next_item_loss
from engine.collaborative.spec import Gru4recShape, SoftmaxSpec
from engine.methods.method import StepLoss


class Gru4recNetwork(CollaborativeModel):
    """Item vectors ``c_i`` and recurrent user states ``z_k``.

    Args:
        items: size of the catalogue; index ``items`` is padding.
        proposal: `items`, probabilities that a sampled softmax draws with; None draws uniformly.
    """

    proposal: Tensor | None

    def __init__(
        self, items: int, settings: Gru4recShape, softmax: SoftmaxSpec | None = None, proposal: Tensor | None = None
    ) -> None:
        super().__init__()
        self.softmax = softmax or SoftmaxSpec()
        self.register_buffer("proposal", proposal, persistent=False)
        self.items, self.window, self.dimensions = items, settings.window, settings.dimensions
        self.embedding = nn.Embedding(items + 1, settings.dimensions, padding_idx=items)
        self.embedding_dropout = nn.Dropout(settings.embedding_dropout)
        between = settings.hidden_dropout if settings.layers > 1 else 0.0
        self.recurrent = nn.GRU(settings.dimensions, settings.hidden, settings.layers, batch_first=True, dropout=between)
        self.hidden_dropout = nn.Dropout(settings.hidden_dropout)
        self.output = nn.Linear(settings.hidden, settings.dimensions)
        self.norm = nn.LayerNorm(settings.dimensions)
        nn.init.normal_(self.embedding.weight, std=0.02)
        with torch.no_grad():
            self.embedding.weight[items].zero_()

    def catalogue(self, dropped: Tensor | None = None) -> Tensor:
        """The table of item embeddings; there is no graph to drop edges from."""
        return self.embedding.weight[: self.items]

    def states(self, items: Tensor, lengths: Tensor, vectors: Tensor) -> Tensor:
        """``z_k``: reads its own embeddings, which ``vectors`` are. Padding on the right comes after every state that counts."""
        inputs = self.embedding_dropout(self.embedding(items) * self.dimensions**0.5)
        states: Tensor = self.output(self.hidden_dropout(self.recurrent(inputs)[0]))
        return states

    def loss(self, batch: SequenceBatch, seed: int) -> StepLoss:
        """Softmax over the catalogue at every position."""
        return next_item_loss(self, batch, self.softmax, self.proposal, seed)
