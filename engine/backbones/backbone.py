"""A loaded backbone: the frozen base model of transformers, its tokenizer and its family."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from engine.backbones.families import Family
from engine.backbones.plain_tokens import encode_plain


@dataclass(frozen=True)
class Backbone:
    """The frozen LLM.

    Attributes:
        name: ``nano``, hub id or folder, as in the spec.
        identity: hash or name that text vectors are cached under.
        model: the base model (no language-model head), in eval mode, all parameters frozen.
        checkpointing: whether ``forward`` keeps no activations within a layer but computes them again (less memory, more time).
    """

    name: str
    identity: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    family: Family
    checkpointing: bool = False

    @property
    def dimensions(self) -> int:
        """Hidden size, ``d_model``."""
        return int(self.model.config.hidden_size)

    @property
    def layers(self) -> int:
        """Number of layers."""
        return int(self.model.config.num_hidden_layers)

    @property
    def layer_modules(self) -> list[nn.Module]:
        """The layers themselves, lowest first."""
        return list(self.model.get_submodule(self.family.layers).children())

    @property
    def attention(self) -> str:
        """transformers' name of the attention implementation: ``sdpa``, ``eager`` or ``flex_attention``."""
        return str(self.model.config._attn_implementation)

    @property
    def learned_positions(self) -> bool:
        """Whether positions come from a table of limited length, and not by rotation."""
        return bool(self.family.positions or self.family.entry)

    @property
    def positions(self) -> int:
        """Longest sequence in tokens that the model can read."""
        return int(getattr(self.model.config, "max_position_embeddings", 2**31))

    @property
    def token_embedding(self) -> nn.Embedding:
        """The (frozen) table of token embeddings: `vocabulary x d_model`."""
        embedding = self.model.get_input_embeddings()
        assert isinstance(embedding, nn.Embedding)  # noqa: S101 - narrows the type for all families above
        return embedding

    @property
    def prefix_ids(self) -> list[int]:
        """The token that opens every sequence, if the tokenizer has one."""
        start = self.tokenizer.bos_token_id if self.tokenizer.bos_token_id is not None else self.tokenizer.cls_token_id
        return [] if start is None else [int(start)]

    @property
    def suffix_ids(self) -> list[int]:
        """The token that an encoder's texts end with; decoders have none."""
        end = self.tokenizer.sep_token_id if self.family.encoder else None
        return [] if end is None else [int(end)]

    def encode(self, texts: list[str], longest: int) -> list[list[int]]:
        """Token ids of each text, cut to ``longest``. A control token spelled out in a text stays plain text."""
        return [ids[:longest] for ids in encode_plain(self.tokenizer, texts)]


def right_padded(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """`rows x longest` ids padded on the right with 0, and the mask (1 = real) of the same shape.

    An empty row counts as one token 0, so that every row has something to be averaged over.
    """
    length = max(1, max((len(row) for row in rows), default=1))
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros(len(rows), length, dtype=torch.long)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[index, : max(1, len(row))] = 1
    return ids, mask
