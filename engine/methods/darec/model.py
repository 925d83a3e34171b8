"""The trainable parts of DARec around the frozen backbone (method.md sections 2.1, 2.2 and 2.4, thin).

Score of item i after k items: ``s(i|k) = <LN(z_k + W_h h_k), v_i>`` with ``v_i = c_i + W_x t_i``: a residual head on the CF
state ``z_k``. LN is the CF model's own last norm and ``W_h`` starts at zero, so that the joint stage starts from the CF model's
ranking (but for the small text term). Without a CF model ``z_k`` is absent, ``c_i`` is a free vector and LN is a norm of its own.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.adapters.compile import Adapted, adapt
from engine.backbones.backbone import Backbone
from engine.collaborative.sasrec import SasrecNetwork
from engine.masking.union import attention_mask
from engine.methods.darec.layout import Layout, lay_out
from engine.methods.darec.spec import DarecSpec

FREE_STD = 0.02


class DarecModel(nn.Module):
    """Backbone with adapters, marker, injection and head.

    Args:
        backbone: frozen; its model is changed in place by the adapters.
        table: token table of the catalogue, see ``layout.token_table``.
        text: ``t_i``, `items x d_model`.
        network: the CF model, or None.
    """

    def __init__(
        self,
        settings: DarecSpec,
        backbone: Backbone,
        table: Tensor,
        text: Tensor,
        prefix: list[int],
        network: SasrecNetwork | None,
    ) -> None:
        super().__init__()
        self.settings, self.prefix = settings, prefix
        self.adapted: Adapted = adapt(backbone, settings.architecture)
        self.backbone = backbone.model
        self.network = network
        embedding = backbone.token_embedding.weight.detach().float()
        size = float(embedding.pow(2).mean().sqrt())
        width = settings.injection.sasrec.dimensions
        self.marker = nn.Parameter(embedding.mean(dim=0))
        self.head_dropout = nn.Dropout(settings.head_dropout)
        self.from_hidden = nn.Linear(backbone.dimensions, width, bias=False)
        self.from_text = nn.Linear(backbone.dimensions, width, bias=False)
        nn.init.normal_(self.from_text.weight, std=settings.text_scale / backbone.dimensions**0.5)
        if network is None:
            self.free_vectors = nn.Parameter(FREE_STD * torch.randn(len(table) - 1, width))
            self.own_norm = nn.LayerNorm(width)
        else:
            self.item_injection = _injection(width, backbone.dimensions, size)
            self.state_injection = _injection(width, backbone.dimensions, size)
            self.item_gate = nn.Parameter(torch.tensor(settings.injection.gate))
            self.state_gate = nn.Parameter(torch.tensor(settings.injection.gate))
            nn.init.zeros_(self.from_hidden.weight)
        self.register_buffer("table", table, persistent=False)
        self.register_buffer("text", text, persistent=False)
        self.table: Tensor
        self.text: Tensor

    def item_vectors(self) -> Tensor:
        """``v_i``: `items x d`."""
        vectors: Tensor = self._collaborative_vectors() + self.from_text(self.text)
        return vectors

    def forward(self, histories: Tensor, collaborative_states: Tensor | None) -> Tensor:
        """The state that ranks the next item, after each item: `batch x length x d`; padding positions hold zeros.

        Args:
            histories: `batch x length`, oldest first, padded on the right with the number of items.
            collaborative_states: ``z_k`` before the CF model's last norm, `batch x length x d`, or None without a CF model.
        """
        layout = lay_out(histories, self.table, self.prefix)
        if collaborative_states is not None and self.settings.injection.stop_gradient:
            collaborative_states = collaborative_states.detach()
        hidden = self._hidden(histories, layout, collaborative_states)
        state = self.from_hidden(self.head_dropout(hidden.to(self.from_hidden.weight.dtype)))
        if collaborative_states is not None:
            state = state + collaborative_states[layout.rows, layout.items]
        states: Tensor = state.new_zeros(*histories.shape, state.shape[-1])
        states[layout.rows, layout.items] = self._norm(state)
        return states

    def _hidden(self, histories: Tensor, layout: Layout, collaborative_states: Tensor | None) -> Tensor:
        """``h_k`` at the marker of each real item: `n x d_model`."""
        embeddings = self.backbone.get_input_embeddings()(layout.ids)
        markers = self.marker.expand(len(layout.rows), -1)
        if collaborative_states is not None:
            chosen = self._collaborative_vectors()[histories[layout.rows, layout.items]]
            markers = markers + self.item_gate * self.item_injection(chosen)
            markers = markers + self.state_gate * self.state_injection(collaborative_states[layout.rows, layout.items])
        embeddings = embeddings.index_put((layout.rows, layout.columns), markers.to(embeddings.dtype))
        reduced = self.settings.precision == "bf16"
        with torch.autocast(embeddings.device.type, dtype=torch.bfloat16, enabled=reduced):
            mask = attention_mask(self.backbone, embeddings, layout.blocks, self.settings.mask)
            output = self.backbone(inputs_embeds=embeddings, attention_mask=mask, use_cache=False)
        hidden: Tensor = output.last_hidden_state[layout.rows, layout.columns]
        return hidden

    def _norm(self, state: Tensor) -> Tensor:
        if self.network is None:
            normed: Tensor = self.own_norm(state)
            return normed
        norm, frozen = self.network.norm, self.settings.injection.stop_gradient
        weight, bias = (norm.weight.detach(), norm.bias.detach()) if frozen else (norm.weight, norm.bias)
        return functional.layer_norm(state, norm.normalized_shape, weight, bias, norm.eps)

    def _collaborative_vectors(self) -> Tensor:
        if self.network is None:
            return self.free_vectors
        vectors = self.network.catalogue()
        return vectors.detach() if self.settings.injection.stop_gradient else vectors


def _injection(width: int, d_model: int, size: float) -> nn.Module:
    """A projection whose output has about the size of a token embedding (``size``, root mean square)."""
    linear = nn.Linear(width, d_model)
    nn.init.normal_(linear.weight, std=size / width**0.5)
    nn.init.zeros_(linear.bias)
    return nn.Sequential(nn.LayerNorm(width), linear)
