"""Masks whose lower layers see within the item only (method.md section 2.3): ``two_level`` and ``per_layer``.

A lower layer's output depends on the item alone, so it is computed once for each distinct item of a batch, and, with
``two_level``, once for good where no adapter changes it (``per_layer`` would have to keep all tokens of the catalogue).
Injection and the order of items enter at the boundary: the order by rotary positions of the upper layers, or by a learned
embedding where the backbone's positions are absolute.
"""

import torch
from torch import Tensor, nn

from engine.backbones.backbone import Backbone
from engine.backbones.forward import read_items, read_upper
from engine.masking.masks import CAUSAL_BLOCK
from engine.methods.darec.layout import MARKER, NOTHING, Layout, lay_out
from engine.methods.darec.reading import Reader, root_mean_square

BATCH_ITEMS = 512
SMALL = 0.02


class SplitReader(Reader):
    """What both have in common: the lower layers, and what enters at the boundary.

    Args:
        layers: number of lower layers.
        adapted: whether one of them carries an adapter.
        window: longest history.
    """

    def __init__(
        self, backbone: Backbone, table: Tensor, prefix: list[int], dropout: float, *, layers: int, adapted: bool, window: int
    ) -> None:
        super().__init__(backbone, table, prefix, dropout)
        self.layers, self.adapted = layers, adapted
        self.register_buffer("lower_marker", self.start_marker(), persistent=False)
        self.lower_marker: Tensor
        self.marker = nn.Parameter(torch.zeros(backbone.dimensions))
        self.order = nn.Parameter(SMALL * torch.randn(window + 1, backbone.dimensions)) if backbone.learned_positions else None
        self.register_buffer("frozen_states", None, persistent=False)
        self.frozen_states: Tensor | None
        self.sample = self._marker_states(torch.arange(min(BATCH_ITEMS, self.padding), device=table.device)).detach()

    @property
    def marker_size(self) -> float:
        """That of the lower layers' states at the markers."""
        return root_mean_square(self.sample)

    def item_states(self, items: Tensor) -> Tensor:
        """The lower layers' states of all tokens of each item: `items x tokens x d_model`; needs no gradient without adapters."""
        tokens = self.table[items]
        width = max(int((tokens != NOTHING).sum(dim=1).max()), 1)
        tokens = tokens[:, :width]
        embeddings = self.embed(tokens.clamp(min=0))
        marker = self.lower_marker.to(embeddings.dtype)
        embeddings = torch.where((tokens == MARKER)[:, :, None], marker, embeddings)
        with torch.set_grad_enabled(self.adapted and torch.is_grad_enabled()):
            return read_items(self.backbone, embeddings, (tokens != NOTHING).sum(dim=1), self.layers)

    def _marker_states(self, items: Tensor) -> Tensor:
        """The lower layers' states at the markers: `items x d_model`."""
        lengths = (self.table[items] != NOTHING).sum(dim=1)
        states = self.item_states(items)
        return states[torch.arange(len(items), device=items.device), lengths - 1]

    def start_soft(self) -> Tensor:
        """The mean of the marker states, the kind of vector that the upper layers know."""
        return self.sample.float().mean(dim=0)

    def enter(self, markers: Tensor, added: Tensor | None) -> Tensor:
        """Marker states with what enters at the boundary: `batch x length x d_model`."""
        markers = markers + self.marker
        entered: Tensor = self.dropout(markers if added is None else markers + added)
        return entered

    def ordered(self, states: Tensor, places: Tensor) -> Tensor:
        """``states`` with the learned order embedding of ``places`` (0 in front of the first item), if there is one."""
        return states if self.order is None else states + self.order[places].to(states.dtype)


class TwoLevelReader(SplitReader):
    """The upper layers see one state an item, causally."""

    def prepare(self) -> Tensor | None:
        """The lower layers' marker states of the whole catalogue: `items + 1 x d_model`, the last row zeros."""
        if not self.adapted and self.frozen_states is not None:
            return self.frozen_states
        with torch.no_grad():
            every = torch.arange(self.padding, device=self.table.device)
            states = torch.cat([self._marker_states(part) for part in every.split(BATCH_ITEMS)])
            states = nn.functional.pad(states, (0, 0, 0, 1))
        if not self.adapted:
            self.frozen_states = states
        return states

    def forward(self, histories: Tensor, added: Tensor | None, soft: Tensor | None, lower: Tensor | None = None) -> Tensor:
        """All positions in one pass over the items."""
        states = self._upper(self._entered(histories, added, lower), soft)
        return states if soft is None else states[:, 1:]

    def write(self, histories: Tensor, added: Tensor | None, soft: Tensor | None, segment: Tensor) -> Tensor:
        """The segment's tokens, which the lower layers read causally, stand behind each history's last item."""
        entered = self._entered(histories, added, None)
        batch, extra = len(histories), segment.shape[1] - 1
        last = (histories != self.padding).sum(dim=1) - 1
        places = last[:, None] + torch.arange(extra + 1, device=last.device)
        rows = torch.arange(batch, device=last.device)[:, None]
        entered = nn.functional.pad(entered, (0, 0, 0, extra))
        if extra:
            lengths = torch.full((batch,), extra, device=last.device)
            written = read_items(self.backbone, self.embed(segment[:, :-1]), lengths, self.layers, causal=True)
            entered = entered.index_put((rows.expand(-1, extra), places[:, 1:]), written.to(entered.dtype))
        return self._upper(entered, soft)[rows, places + int(soft is not None)]

    def _entered(self, histories: Tensor, added: Tensor | None, lower: Tensor | None) -> Tensor:
        if lower is None and not self.adapted:
            lower = self.prepare()
        if lower is not None:
            return self.enter(lower[histories], added)
        real = histories != self.padding
        distinct, which = histories[real].unique(return_inverse=True)
        found = self._marker_states(distinct)
        markers = found.new_zeros(*histories.shape, found.shape[-1])
        return self.enter(markers.index_put((real,), found[which]), added)

    def _upper(self, entered: Tensor, soft: Tensor | None) -> Tensor:
        if soft is not None:
            entered = torch.cat([soft[:, None].to(entered.dtype), entered], dim=1)
        places = torch.arange(entered.shape[1], device=entered.device).expand(len(entered), -1)
        limit = places if self.order is None else places.clamp(max=len(self.order) - 1)
        return read_upper(self.backbone, self.ordered(entered, limit), None, self.layers, places)


class PerLayerReader(SplitReader):
    """The upper layers see all tokens, under the union mask. The prefix is a block of its own in the lower layers."""

    def forward(self, histories: Tensor, added: Tensor | None, soft: Tensor | None, lower: Tensor | None = None) -> Tensor:
        """All positions in one pass."""
        states, blocks, places, layout = self._entered(histories, added, soft)
        hidden = read_upper(self.backbone, states, blocks, self.layers, places)
        result = hidden.new_zeros(*histories.shape, hidden.shape[-1])
        return result.index_put((layout.rows, layout.items), hidden[layout.rows, layout.columns])

    def write(self, histories: Tensor, added: Tensor | None, soft: Tensor | None, segment: Tensor) -> Tensor:
        """The segment's tokens, which the lower layers read causally, stand behind each history's last token."""
        states, blocks, _, layout = self._entered(histories, added, soft)
        batch, extra = len(histories), segment.shape[1] - 1
        last = torch.zeros(batch, dtype=torch.long, device=states.device)
        last = last.scatter_reduce(0, layout.rows, layout.columns, "amax", include_self=True)
        places = last[:, None] + torch.arange(extra + 1, device=last.device)
        rows = torch.arange(batch, device=last.device)[:, None]
        states = nn.functional.pad(states, (0, 0, 0, extra))
        blocks = nn.functional.pad(blocks, (0, extra), value=CAUSAL_BLOCK)
        if extra:
            lengths = torch.full((batch,), extra, device=last.device)
            written = read_items(self.backbone, self.embed(segment[:, :-1]), lengths, self.layers, causal=True)
            states = states.index_put((rows.expand(-1, extra), places[:, 1:]), written.to(states.dtype))
        positions = torch.arange(states.shape[1], device=states.device).expand(batch, -1)
        return read_upper(self.backbone, states, blocks, self.layers, positions)[rows, places]

    def _entered(self, histories: Tensor, added: Tensor | None, soft: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Layout]:
        layout = lay_out(histories, self.table, self.prefix, int(soft is not None))
        tokens = layout.tokens
        real = histories != self.padding
        distinct, which = histories[real].unique(return_inverse=True)
        numbers = torch.zeros_like(histories)
        numbers[real] = which
        lower = self.item_states(distinct)[numbers[tokens.rows, tokens.items], tokens.places]
        states = lower.new_zeros(*layout.ids.shape, lower.shape[-1])
        states = states.index_put((tokens.rows, tokens.columns), lower)
        markers = self.enter(states[layout.rows, layout.columns], None if added is None else added[layout.rows, layout.items])
        states = states.index_put((layout.rows, layout.columns), markers.to(states.dtype))
        if self.order is not None:
            places = torch.zeros_like(layout.ids)
            places[tokens.rows, tokens.columns] = tokens.items + 1
            states = self.ordered(states, places)
        opening = self._opening(len(histories), soft)
        states = torch.cat([opening.to(states.dtype), states[:, opening.shape[1] :]], dim=1)
        positions = torch.arange(states.shape[1], device=states.device).expand(len(states), -1)
        return states, layout.blocks, positions, layout

    def _opening(self, batch: int, soft: Tensor | None) -> Tensor:
        parts = []
        if self.prefix:
            ids = torch.tensor([self.prefix], device=self.table.device)
            lengths = torch.tensor([len(self.prefix)], device=ids.device)
            read = read_items(self.backbone, self.embed(ids), lengths, self.layers, causal=True)
            parts.append(read.expand(batch, -1, -1))
        if soft is not None:
            parts.append(soft[:, None])
        if not parts:
            return torch.zeros(batch, 0, self.backbone.dimensions, device=self.table.device)
        return torch.cat(parts, dim=1)
