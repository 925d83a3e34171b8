"""Context masking: tokens of one item see each other; everything else is causal."""

from typing import Any, Literal

from torch import Tensor
from transformers import PreTrainedModel
from transformers.masking_utils import create_causal_mask

from engine.masking.masks import CAUSAL_BLOCK as CAUSAL_BLOCK

MaskName = Literal["union", "causal"]


def attention_mask(model: PreTrainedModel, embeddings: Tensor, blocks: Tensor, name: MaskName) -> Any:
    """The mask for one forward pass, in the form that the model's attention implementation wants.

    Token q may attend to token k if ``k <= q``, or, with ``union``, if both have the same block number >= 0.
    It comes from transformers' own mask factory: a plain 4-D boolean mask would leak silently on eager attention.

    Args:
        embeddings: `batch x tokens x d_model`.
        blocks: `batch x tokens`, number of the item that the token belongs to, or -1 for tokens that stay causal.
    """
    return create_causal_mask(
        config=model.config,
        inputs_embeds=embeddings,
        attention_mask=None,
        past_key_values=None,
        block_sequence_ids=blocks if name == "union" else None,
    )
