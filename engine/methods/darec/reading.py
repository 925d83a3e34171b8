"""How the backbone reads histories: from item indexes to ``h_k``, the state after each item, under every mask.

``Reader`` is the common part; here is the reader of masks that go through all layers (union, causal, per_head). Masks whose
lower layers see within the item only are in ``split.py``.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from engine.backbones.backbone import Backbone
from engine.backbones.forward import read_tokens
from engine.masking.masks import CAUSAL_BLOCK, MaskName
from engine.methods.darec.layout import Layout, lay_out


class Reader(nn.Module, ABC):
    """Reads histories with a backbone whose adapters are in place.

    Args:
        backbone: its model is used, not owned: its parameters belong to the module above.
        table: token table of the catalogue, see ``layout.token_table``.
        prefix: ids of the start token and the instruction.
        dropout: on the markers as they enter, with what is added to them.
    """

    def __init__(self, backbone: Backbone, table: Tensor, prefix: list[int], dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.backbone, self.prefix, self.padding = backbone, prefix, len(table) - 1
        self.register_buffer("table", table, persistent=False)
        self.table: Tensor

    @property
    @abstractmethod
    def marker_size(self) -> float:
        """Root mean square of the vectors that the injection is added to."""

    @abstractmethod
    def forward(self, histories: Tensor, added: Tensor | None, soft: Tensor | None, lower: Tensor | None = None) -> Tensor:
        """``h_k`` at each item: `batch x length x d_model`; padding positions hold anything.

        Args:
            histories: `batch x length`, oldest first, padded on the right with the number of items.
            added: what each marker gets, `batch x length x d_model`, or None.
            soft: the soft token ``U``, `batch x d_model`, or None for none.
            lower: what ``prepare`` gave, or None.
        """

    @abstractmethod
    def write(self, histories: Tensor, added: Tensor | None, soft: Tensor | None, segment: Tensor) -> Tensor:
        """States that predict the tokens of a segment that follows each history: `batch x segment x d_model`.

        The segment sees the history and itself causally, and nothing sees the segment: state j, at the last item's marker for
        j = 0 and at segment token j-1 for others, predicts segment token j.

        Args:
            segment: `batch x segment`, token ids; padding is 0.
        """

    def prepare(self) -> Tensor | None:
        """What an evaluation computes once for the whole catalogue, if anything."""
        return None

    def embed(self, ids: Tensor) -> Tensor:
        """The frozen token embeddings, without positions."""
        embedded: Tensor = self.backbone.model.get_input_embeddings()(ids)
        return embedded

    def start_soft(self) -> Tensor:
        """What the soft token ``U`` starts as."""
        return self.start_marker()

    def start_marker(self) -> Tensor:
        """What an item marker starts as: the token that ends a text, if there is one, else the mean of all embeddings."""
        table = self.backbone.token_embedding.weight.detach().float()
        tokenizer = self.backbone.tokenizer
        ending = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        return table[ending].clone() if ending is not None else table.mean(dim=0)


class WholeReader(Reader):
    """All layers read all tokens, under one mask."""

    def __init__(self, backbone: Backbone, table: Tensor, prefix: list[int], dropout: float, mask: MaskName) -> None:
        super().__init__(backbone, table, prefix, dropout)
        self.mask = mask
        self.marker = nn.Parameter(self.start_marker())

    @property
    def marker_size(self) -> float:
        """That of the token embeddings."""
        return root_mean_square(self.backbone.token_embedding.weight.detach())

    def forward(self, histories: Tensor, added: Tensor | None, soft: Tensor | None, lower: Tensor | None = None) -> Tensor:
        """All positions in one pass."""
        layout = lay_out(histories, self.table, self.prefix, int(soft is not None))
        hidden = read_tokens(self.backbone, self._embeddings(layout, added, soft), layout.blocks, self.mask)
        states = hidden.new_zeros(*histories.shape, hidden.shape[-1])
        return states.index_put((layout.rows, layout.items), hidden[layout.rows, layout.columns])

    def write(self, histories: Tensor, added: Tensor | None, soft: Tensor | None, segment: Tensor) -> Tensor:
        """The segment stands behind each history's last token, so that causality alone hides it."""
        layout = lay_out(histories, self.table, self.prefix, int(soft is not None))
        embeddings = self._embeddings(layout, added, soft)
        last = torch.zeros(len(histories), dtype=torch.long, device=histories.device)
        last = last.scatter_reduce(0, layout.rows, layout.columns, "amax", include_self=True)
        places = last[:, None] + torch.arange(segment.shape[1], device=last.device)
        extra = segment.shape[1] - 1
        embeddings = nn.functional.pad(embeddings, (0, 0, 0, extra))
        blocks = nn.functional.pad(layout.blocks, (0, extra), value=CAUSAL_BLOCK)
        rows = torch.arange(len(histories), device=last.device)[:, None]
        if extra:
            written = self.embed(segment[:, :-1]).to(embeddings.dtype)
            embeddings = embeddings.index_put((rows.expand(-1, extra), places[:, 1:]), written)
        return read_tokens(self.backbone, embeddings, blocks, self.mask)[rows, places]

    def _embeddings(self, layout: Layout, added: Tensor | None, soft: Tensor | None) -> Tensor:
        embeddings = self.embed(layout.ids)
        markers = self.marker.expand(len(layout.rows), -1)
        if added is not None:
            markers = markers + added[layout.rows, layout.items]
        markers = self.dropout(markers).to(embeddings.dtype)
        embeddings = embeddings.index_put((layout.rows, layout.columns), markers)
        if soft is None:
            return embeddings
        place = len(self.prefix)
        return torch.cat([embeddings[:, :place], soft[:, None].to(embeddings.dtype), embeddings[:, place + 1 :]], dim=1)


def root_mean_square(vectors: Tensor) -> float:
    """Over all numbers of ``vectors``."""
    return float(vectors.float().pow(2).mean().sqrt())
