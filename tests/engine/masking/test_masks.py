import pytest
import torch
from transformers import LlamaConfig, LlamaModel

from engine.backbones.backbone import Backbone
from engine.backbones.families import FAMILIES
from engine.backbones.nano import train_tokenizer
from engine.errors import UserError
from engine.masking.masks import item_mask, per_head_mask, token_mask

BLOCKS = torch.tensor([[-1, -1, 0, 0, 1, -1], [-1, 0, 0, 0, 1, 1]])


def small(heads: int) -> Backbone:
    config = LlamaConfig(
        vocab_size=320, hidden_size=12, intermediate_size=8, num_attention_heads=heads, num_hidden_layers=1, head_dim=4
    )
    config._attn_implementation = "sdpa"
    return Backbone("small", "small", LlamaModel(config), train_tokenizer(["a"], 300), FAMILIES.get("llama"))


def expected(union: bool) -> list[list[list[bool]]]:
    """The rules in plain words: causal or of one item; or of one item, and causal among those of no item."""

    def sees(blocks: list[int], query: int, key: int) -> bool:
        together = blocks[query] == blocks[key]
        if union:
            return key <= query or (together and blocks[query] >= 0)
        return together and (blocks[query] >= 0 or key <= query)

    return [[[sees(row, query, key) for key in range(6)] for query in range(6)] for row in BLOCKS.tolist()]


def test_the_rules() -> None:
    backbone, states = small(3), torch.zeros(2, 6, 12)
    assert token_mask(backbone, states, BLOCKS, "union")[:, 0].tolist() == expected(union=True)
    assert item_mask(backbone, states, BLOCKS)[:, 0].tolist() == expected(union=False)


def test_an_odd_number_of_heads_gives_the_causal_half_one_more() -> None:
    mask = per_head_mask(small(3), torch.zeros(2, 6, 12), BLOCKS)
    assert mask.shape == (2, 3, 6, 6)
    assert mask[:, 0].tolist() == expected(union=False)
    past = torch.ones(6, 6).tril().bool()
    assert all(torch.equal(mask[row, head], past) for row in range(2) for head in (1, 2))


def test_one_head_cannot_be_halved() -> None:
    with pytest.raises(UserError, match="per_head needs a backbone with at least 2 attention heads, got 1"):
        per_head_mask(small(1), torch.zeros(2, 6, 12), BLOCKS)
