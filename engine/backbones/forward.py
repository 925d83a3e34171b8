"""Running a backbone, or the lower or upper part of it, over states that are already laid out.

A part is a shallow twin of the base model whose list of layers is a slice of the same layer modules: transformers' own forward
code runs, and adapters injected into the base model are there.
"""

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from engine.backbones.backbone import Backbone
from engine.errors import UserError
from engine.masking.masks import CAUSAL_BLOCK, MaskName, causal_mask, item_mask, token_mask


def read_tokens(backbone: Backbone, embeddings: Tensor, blocks: Tensor, mask: MaskName) -> Tensor:
    """All layers over laid-out histories: the last states, final norm included, `batch x tokens x d_model`.

    Args:
        embeddings: `batch x tokens x d_model`, of tokens and markers, without positions; padded on the right.
        blocks: `batch x tokens`, number of the item that the token belongs to (0 or more), or -1 for causal tokens and padding.
        mask: ``union``, ``causal`` or ``per_head``.

    Raises UserError for more tokens than a backbone with learned positions has positions.
    """
    states = _entering(backbone, embeddings)
    _check_length(backbone, states.shape[1])
    return _run(backbone, backbone.model, states, token_mask(backbone, states, blocks, mask))


def read_items(backbone: Backbone, embeddings: Tensor, lengths: Tensor, layers: int, *, causal: bool = False) -> Tensor:
    """The lower ``layers`` layers over distinct items, without final norm: `rows x tokens x d_model`.

    Inside an item attention is bidirectional, and positions count from the item's start: a state depends on the item alone.

    Args:
        embeddings: `rows x tokens x d_model`, one item a row, padded on the right, without positions.
        lengths: `rows`, number of real tokens of each item; states behind them mean nothing.
        layers: 1 up to one below the backbone's number of layers.
        causal: attention inside is causal instead, for tokens that a language-model loss is taken on.

    Raises UserError for an item longer than a backbone with learned positions can read.
    """
    states = _entering(backbone, embeddings)
    _check_length(backbone, states.shape[1])
    view = _part(backbone, 0, _checked(backbone, layers))
    if backbone.family.norm:
        _replace(view, backbone.family.norm, nn.Identity())
    columns = torch.arange(states.shape[1], device=states.device)
    blocks = torch.where(columns < lengths[:, None], 0, CAUSAL_BLOCK)
    mask = causal_mask(backbone, states) if causal else item_mask(backbone, states, blocks)
    return _run(backbone, view, states, mask)


def read_upper(backbone: Backbone, states: Tensor, blocks: Tensor | None, layers: int, positions: Tensor) -> Tensor:
    """The layers above the lower ``layers`` ones, final norm included: `batch x length x d_model`.

    Args:
        states: `batch x length x d_model`, what ``read_items`` gave, as laid out by the caller; padded on the right.
        blocks: `batch x length` for the union mask (all tokens of all items), or None for plain causal (one state an item).
        layers: where the split is, as in ``read_items``.
        positions: `batch x length`, whole numbers from 0: the rotary positions. A backbone with learned positions ignores them
            (its table belongs to the tokens of the lowest layer): add an order of your own to ``states``.
    """
    states = _entering(backbone, states)
    family = backbone.family
    view = _part(backbone, _checked(backbone, layers), backbone.layers)
    for path, neutral in (
        (family.entry, _States()),
        (family.positions, _NoPositions(states.dtype)),
        (family.dropout, nn.Identity()),
    ):
        if path:
            _replace(view, path, neutral)
    mask = causal_mask(backbone, states) if blocks is None else token_mask(backbone, states, blocks, "union")
    return _run(backbone, view, states, mask, positions)


class _States(nn.Module):
    """Stands for an embedding module (BERT) where states enter that are beyond it."""

    def forward(self, *, inputs_embeds: Tensor, **_: Any) -> Tensor:
        return inputs_embeds


class _NoPositions(nn.Module):
    """Stands for a table of learned positions (GPT-2) where states enter that have no use for it."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype  # another one would widen half-precision states

    def forward(self, positions: Tensor) -> Tensor:
        return torch.zeros((*positions.shape, 1), dtype=self.dtype, device=positions.device)


def _run(backbone: Backbone, model: PreTrainedModel, states: Tensor, mask: Any, positions: Tensor | None = None) -> Tensor:
    if backbone.checkpointing:
        _checkpoint(backbone)
    output = model(inputs_embeds=states, attention_mask=mask, position_ids=positions, use_cache=False)
    hidden: Tensor = output.last_hidden_state
    return hidden


def _checkpoint(backbone: Backbone) -> None:
    """Make the layers checkpoint where gradients flow.

    transformers' public switch would make the frozen embeddings carry gradients too, hence its inner one. Its layers checkpoint
    in training mode only: that flag is set on the layers alone, not on what is inside of them, so that dropout stays as the
    caller wants it.
    """
    if not backbone.model.is_activation_checkpointing:
        backbone.model._set_gradient_checkpointing(True, partial(checkpoint, use_reentrant=False))
    for layer in backbone.layer_modules:
        layer.training = torch.is_grad_enabled()


def _part(backbone: Backbone, start: int, end: int) -> PreTrainedModel:
    """The base model with the layers from ``start`` up to before ``end``."""
    view: PreTrainedModel = _twin(backbone.model)
    _replace(view, backbone.family.layers, nn.ModuleList(backbone.layer_modules[start:end]))
    return view


def _twin(module: Any) -> Any:
    """The same module with a table of children of its own.

    A ``forward`` of the instance (a hook of accelerate) is left out: it would run the original.
    """
    twin = copy.copy(module)
    twin._modules = dict(module._modules)
    twin.__dict__.pop("forward", None)
    return twin


def _replace(view: nn.Module, path: str, module: nn.Module) -> None:
    """Put ``module`` at ``path`` of a twin; parents on the way become twins too, so that the original stays as it is."""
    *parents, name = path.split(".")
    for parent in parents:
        twin = _twin(getattr(view, parent))
        setattr(view, parent, twin)
        view = twin
    setattr(view, name, module)


def _entering(backbone: Backbone, states: Tensor) -> Tensor:
    return states.to(backbone.token_embedding.weight.dtype)


def _checked(backbone: Backbone, layers: int) -> int:
    if not 1 <= layers < backbone.layers:
        raise UserError(f"method.lower_layers: got {layers}, must be between 1 and {backbone.layers - 1} for {backbone.name}.")
    return layers


def _check_length(backbone: Backbone, length: int) -> None:
    if backbone.learned_positions and length > backbone.positions:
        raise UserError(
            f"method.backbone: {backbone.name} reads at most {backbone.positions} tokens at once, got {length}.",
            "Lower method.text.window or method.text.max_item_tokens, or choose a backbone that reads more.",
        )
