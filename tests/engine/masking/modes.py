"""The five ways to read a history, each from token ids to states, for the leak tests."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.backbones.backbone import Backbone
from engine.backbones.forward import read_items, read_tokens, read_upper
from engine.masking.masks import CAUSAL_BLOCK


@dataclass(frozen=True)
class History:
    """Token ids: of the causal tokens in front, and of each item."""

    prefix: list[int]
    items: list[list[int]]

    @property
    def blocks(self) -> list[int]:
        """Number of the item of each token, prefix included."""
        return [CAUSAL_BLOCK] * len(self.prefix) + [item for item, ids in enumerate(self.items) for _ in ids]


@dataclass(frozen=True)
class Read:
    """States `n x d_model`, and what item each belongs to (-1 = prefix)."""

    states: Tensor
    items: list[int]


def over_tokens(mask: str) -> Callable[[Backbone, History, int], Read]:
    def read(backbone: Backbone, history: History, padding: int) -> Read:
        ids = history.prefix + [token for item in history.items for token in item]
        blocks = torch.tensor([history.blocks + [CAUSAL_BLOCK] * padding])
        embeddings = backbone.token_embedding(torch.tensor([ids + [7] * padding]))
        states = read_tokens(backbone, embeddings, blocks, mask)  # type: ignore[arg-type]
        return Read(states[0, : len(ids)], history.blocks)

    return read


def lower(backbone: Backbone, history: History, padding: int) -> list[Tensor]:
    """The states of each item's tokens above the lowest layer."""
    lengths = torch.tensor([len(item) for item in history.items])
    width = int(lengths.max()) + padding
    ids = torch.tensor([item + [7] * (width - len(item)) for item in history.items])
    states = read_items(backbone, backbone.token_embedding(ids), lengths, 1)
    return [row[:length] for row, length in zip(states, lengths.tolist(), strict=True)]


def two_level(backbone: Backbone, history: History, padding: int) -> Read:
    markers = torch.stack([item[-1] for item in lower(backbone, history, padding)])
    padded = torch.cat([markers, torch.ones(padding, markers.shape[1])])
    states = read_upper(backbone, padded[None], None, 1, torch.arange(len(padded))[None])
    return Read(states[0, : len(markers)], list(range(len(markers))))


def per_layer(backbone: Backbone, history: History, padding: int) -> Read:
    tokens = torch.cat(lower(backbone, history, padding))
    items = [item for item in history.blocks if item >= 0]
    blocks = torch.tensor([items + [CAUSAL_BLOCK] * padding])
    padded = torch.cat([tokens, torch.ones(padding, tokens.shape[1])])
    states = read_upper(backbone, padded[None], blocks, 1, blocks.clamp(min=0))
    return Read(states[0, : len(items)], items)


MODES = {
    "union": over_tokens("union"),
    "causal": over_tokens("causal"),
    "per_head": over_tokens("per_head"),
    "two_level": two_level,
    "per_layer": per_layer,
}
