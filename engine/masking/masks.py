"""Context masks (method.md section 2.3): which token may attend to which, in the form that the attention implementation wants.

All come from transformers' own mask interface: a plain 4-D boolean mask would leak silently on eager attention.
A mask that is passed on in four dimensions is taken as it is, so that a model's sliding window hides no item.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import create_block_mask
from transformers.masking_utils import (
    ALL_MASK_ATTENTION_FUNCTIONS,
    and_masks,
    blockwise_overlay,
    causal_mask_function,
    or_masks,
)

from engine.backbones.backbone import Backbone
from engine.errors import UserError

MaskName = Literal["union", "causal", "per_head"]
CAUSAL_BLOCK = -1
"""The block number of tokens that belong to no item: instruction, soft tokens, padding."""

Rule = Callable[..., Any]
"""From (row, head, query position, key position) to whether the query may see the key; tensors that broadcast."""


def token_mask(backbone: Backbone, states: Tensor, blocks: Tensor, name: MaskName) -> Any:
    """The mask called ``name`` over whole histories.

    Args:
        backbone: says the attention implementation.
        states: `batch x tokens x d_model`; only its shape, type and device count.
        blocks: `batch x tokens`, number of the item that the token belongs to, or -1 for tokens that stay causal.
    """
    if name == "union":
        return _made(backbone, states, union_rule(blocks))
    return causal_mask(backbone, states) if name == "causal" else per_head_mask(backbone, states, blocks)


def union_rule(blocks: Tensor) -> Rule:
    """Query q sees key k if ``k <= q``, or if both are of one item."""
    rule: Rule = or_masks(causal_mask_function, blockwise_overlay(blocks))
    return rule


def item_rule(blocks: Tensor) -> Rule:
    """Query q sees key k if both are of one item; tokens of no item see each other causally. No row is empty."""

    def same(row: Any, head: Any, query: Any, key: Any) -> Any:
        return blocks[row, query] == blocks[row, key]

    rule: Rule = and_masks(union_rule(blocks), same)
    return rule


def item_mask(backbone: Backbone, states: Tensor, blocks: Tensor) -> Any:
    """The mask that shows each token its own item alone; arguments as in ``token_mask``."""
    return _made(backbone, states, item_rule(blocks))


def causal_mask(backbone: Backbone, states: Tensor) -> Any:
    """The plain causal mask over `batch x tokens x d_model`.

    A decoder without a sliding window gets a 2-D mask of ones, so that it may take the kernel for plain causal attention.
    (No mask at all would not do: it would cut the sequence wherever positions are not consecutive.)
    """
    if not backbone.family.encoder and getattr(backbone.model.config, "sliding_window", None) is None:
        return torch.ones(states.shape[:2], dtype=torch.long, device=states.device)
    return _made(backbone, states, causal_mask_function)


def per_head_mask(backbone: Backbone, states: Tensor, blocks: Tensor) -> Any:
    """The first half of the query heads sees its own item alone, the other half all that came before.

    Raises UserError for a model with one head.
    """
    heads = int(backbone.model.config.num_attention_heads)
    if heads < 2:
        raise UserError("method.mask: per_head needs a backbone with at least 2 attention heads, got 1.", "Choose union.")
    half, batch, length = heads // 2, *states.shape[:2]
    inside = item_rule(blocks)
    if backbone.attention == "flex_attention":

        def by_head(row: Any, head: Any, query: Any, key: Any) -> Any:
            return torch.where(head < half, inside(row, head, query, key), causal_mask_function(row, head, query, key))

        return create_block_mask(by_head, batch, heads, length, length, device=states.device, _compile=True)
    halves = [(inside, half), (causal_mask_function, heads - half)]
    return torch.cat([_made(backbone, states, rule).expand(batch, count, length, length) for rule, count in halves], dim=1)


def _made(backbone: Backbone, states: Tensor, rule: Rule) -> Any:
    """``rule`` as boolean mask (sdpa), additive mask (eager) or block mask (flex)."""
    return ALL_MASK_ATTENTION_FUNCTIONS[backbone.attention](
        batch_size=states.shape[0],
        q_length=states.shape[1],
        kv_length=states.shape[1],
        mask_function=rule,
        allow_is_causal_skip=False,
        dtype=states.dtype,
        device=states.device,
        config=backbone.model.config,
    )
