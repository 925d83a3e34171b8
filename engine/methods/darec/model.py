"""The trainable parts of DARec around the frozen backbone (method.md sections 2.1, 2.2 and 2.4).

Score of item i after k items: ``s(i|k) = <LN(z_k + W_h h_k), v_i>`` with ``v_i = c_i + W_x t_i``: a residual head on the CF
state ``z_k``. LN is the CF model's own last norm and ``W_h`` starts at zero, so that the joint stage starts from the CF model's
ranking but for the text term and the text match; a strong match (``method.text_match``) moves that start far from it. Without a
CF model ``z_k`` is absent, ``c_i`` is a free vector and LN is a norm of its own.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.adapters.compile import Adapted, adapt, spread
from engine.backbones.backbone import Backbone
from engine.collaborative.model import CollaborativeModel
from engine.methods.darec.injection import CollaborativeView, Injection
from engine.methods.darec.reading import Reader, WholeReader, root_mean_square
from engine.methods.darec.spec import SPLIT_MASKS, DarecSpec
from engine.methods.darec.split import PerLayerReader, TwoLevelReader
from engine.methods.darec.text_match import TextMatch

FREE_STD = 0.02


class DarecModel(nn.Module):
    """Backbone with adapters, marker, injection and head.

    Args:
        backbone: frozen; its model is changed in place by the adapters.
        table: token table of the catalogue, see ``layout.token_table``.
        text: ``t_i``, `items x components`.
        network: the CF model, or None.
    """

    def __init__(
        self,
        settings: DarecSpec,
        backbone: Backbone,
        table: Tensor,
        text: Tensor,
        prefix: list[int],
        network: CollaborativeModel | None,
    ) -> None:
        super().__init__()
        self.settings = settings
        silence_dropout(backbone.model)
        self.adapted: Adapted = adapt(backbone, settings.architecture)
        self.backbone = backbone.model
        self.token_embedding = backbone.token_embedding
        self.network = network
        self.reader = _reader(settings, backbone, table, prefix)
        width = network.dimensions if network is not None else settings.injection.sasrec.dimensions
        self.head_dropout = nn.Dropout(settings.head_dropout)
        self.from_hidden = nn.Linear(backbone.dimensions, width, bias=False)
        self.from_text = nn.Linear(text.shape[1], width, bias=False)
        nn.init.normal_(self.from_text.weight, std=settings.text_scale / text.shape[1] ** 0.5)
        matched = settings.text_match > 0 and settings.text.content == "text"
        self.text_match = TextMatch(text, backbone.dimensions, settings.text_match) if matched else None
        self.to_vectors = nn.Linear(backbone.dimensions, width, bias=False) if settings.tasks.item_grounding else None
        self.injection: Injection | None = None
        if network is None:
            self.free_vectors = nn.Parameter(FREE_STD * torch.randn(len(table) - 1, width))
            self.own_norm = nn.LayerNorm(width)
        else:
            size = root_mean_square(backbone.token_embedding.weight.detach())
            marker_size = self.reader.marker_size
            long_size = marker_size if settings.mask in SPLIT_MASKS else size
            self.injection = Injection(settings.injection, width, backbone.dimensions, marker_size, long_size)
            nn.init.zeros_(self.from_hidden.weight)
        has_soft = self.injection is not None and self.injection.long_term is not None
        self.soft = nn.Parameter(self.reader.start_soft()) if has_soft else None
        self.register_buffer("text", text, persistent=False)
        self.text: Tensor

    def train(self, mode: bool = True) -> "DarecModel":
        """As ever, but a CF model that is not trained on keeps its dropout off."""
        super().train(mode)
        if self.network is not None and not self.settings.injection.joint:
            self.network.eval()
        return self

    def item_vectors(self, view_vectors: Tensor | None) -> Tensor:
        """``v_i``: `items x d`, from the CF model's ``c_i`` (None: the free vectors), the keys of the text match behind it."""
        vectors: Tensor = (self.free_vectors if view_vectors is None else view_vectors) + self.from_text(self.text)
        return vectors if self.text_match is None else torch.cat([vectors, self.text_match.keys()], dim=1)

    def hidden(self, histories: Tensor, view: CollaborativeView | None, lower: Tensor | None = None) -> Tensor:
        """``h_k``: `batch x length x d_model`; arguments as for ``forward``."""
        added, soft = self.injected(histories, view)
        with self._precision(histories.device):
            hidden: Tensor = self.reader(histories, added, soft, lower)
        return hidden.to(self.from_hidden.weight.dtype)

    def forward(self, histories: Tensor, hidden: Tensor, view: CollaborativeView | None) -> Tensor:
        """The state whose product with ``item_vectors`` ranks the next item, after each item: `batch x length x d`.

        Args:
            histories: `batch x length`, padded on the right with the number of items.
            hidden: ``h_k``, what ``hidden`` gave.
            view: what the CF model says, None without one.
        """
        hidden = self.head_dropout(hidden)
        state: Tensor = self.from_hidden(hidden)
        if view is not None:
            state = state + view.states
        state = self._norm(state)
        return state if self.text_match is None else torch.cat([state, self.text_match.queries(histories, hidden)], dim=2)

    def written(self, histories: Tensor, view: CollaborativeView | None, segment: Tensor) -> Tensor:
        """Logits of the tokens of a segment behind each history: `batch x segment x vocabulary`; see ``Reader.write``.

        The output weights are the frozen token embeddings: those of a tied language model, an approximation for others.
        """
        added, soft = self.injected(histories, view)
        with self._precision(histories.device):
            states = self.reader.write(histories, added, soft, segment)
            embedding = self.token_embedding.weight
            logits: Tensor = states.to(embedding.dtype) @ embedding.T
        return logits.float()

    def from_text_alone(self, items: Tensor) -> Tensor:
        """The state at each item's marker after its own text alone, injection off: `items x d_model`."""
        with self._precision(items.device):
            states: Tensor = self.reader(items[:, None], None, None)
        return states[:, 0].to(self.from_hidden.weight.dtype)

    def injected(self, histories: Tensor, view: CollaborativeView | None) -> tuple[Tensor | None, Tensor | None]:
        """What the markers get, and the soft token, as ``Reader.forward`` takes them."""
        if view is None or self.injection is None:
            return None, None
        added, before = self.injection.markers(histories, view), self.injection.before(view)
        return added, None if self.soft is None or before is None else self.soft + before

    def _precision(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.settings.precision == "bf16")

    def _norm(self, state: Tensor) -> Tensor:
        if self.network is None:
            normed: Tensor = self.own_norm(state)
            return normed
        norm, frozen = self.network.norm, self.settings.injection.stop_gradient
        weight, bias = (norm.weight.detach(), norm.bias.detach()) if frozen else (norm.weight, norm.bias)
        return functional.layer_norm(state, norm.normalized_shape, weight, bias, norm.eps)


def _reader(settings: DarecSpec, backbone: Backbone, table: Tensor, prefix: list[int]) -> Reader:
    if settings.mask != "per_layer" and settings.mask != "two_level":  # spelled out, so that the type narrows
        return WholeReader(backbone, table, prefix, settings.marker_dropout, settings.mask)
    layers = settings.lower_layers or backbone.layers // 2
    adapted = any(choice.kind != "none" for choice in spread(settings.architecture, backbone.layers)[:layers])
    kind = TwoLevelReader if settings.mask == "two_level" else PerLayerReader
    return kind(backbone, table, prefix, settings.marker_dropout, layers=layers, adapted=adapted, window=settings.text.window)


def silence_dropout(model: nn.Module) -> None:
    """Turn the backbone's own dropout off for good: it is frozen, and its lower layers are read once for many steps."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            setattr(module, "attention_dropout", 0.0)  # noqa: B010 - no module declares it
