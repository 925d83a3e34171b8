"""The leak tests of the context mask, on random item lengths, for every family and attention implementation."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backbones.backbone import Backbone
from engine.backbones.huggingface import load_backbone
from engine.masking.union import CAUSAL_BLOCK, attention_mask
from tests.engine.backbones.tiny import CONFIGS

ATTENTION = ("sdpa", "eager")


def states(backbone: Backbone, ids: torch.Tensor, blocks: torch.Tensor, mask: str) -> torch.Tensor:
    embeddings = backbone.token_embedding(ids)
    made = attention_mask(backbone.model, embeddings, blocks, mask)  # type: ignore[arg-type]
    with torch.no_grad():
        output = backbone.model(inputs_embeds=embeddings, attention_mask=made, use_cache=False)
    hidden: torch.Tensor = output.last_hidden_state[0]
    return hidden


def moved(one: torch.Tensor, other: torch.Tensor) -> list[bool]:
    return ((one - other).abs().max(dim=1).values > 1e-4).tolist()


@pytest.mark.parametrize("attention", ATTENTION)
@pytest.mark.parametrize("family", CONFIGS)
def test_tokens_of_one_item_see_each_other_and_nothing_later(
    family: str, attention: str, checkpoint: Callable[[str], Path]
) -> None:
    backbone = load_backbone("mine", checkpoint(family), torch.device("cpu"))
    backbone.model.set_attn_implementation(attention)

    @given(data=st.data())
    @settings(max_examples=10, deadline=None)
    def on_random_lengths(data: st.DataObject) -> None:
        check_one(backbone, data)

    on_random_lengths()


def check_one(backbone: Backbone, data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(2, 5), min_size=2, max_size=4))
    prefix = data.draw(st.integers(0, 3))
    edges = [prefix]
    for length in lengths:
        edges.append(edges[-1] + length)
    blocks = [CAUSAL_BLOCK] * prefix + [item for item, length in enumerate(lengths) for _ in range(length)]
    ids = torch.tensor([data.draw(st.lists(st.integers(5, 240), min_size=len(blocks), max_size=len(blocks)))])
    block_ids = torch.tensor([blocks])
    item = data.draw(st.integers(0, len(lengths) - 1))
    first, last = list(pairwise(edges))[item]
    changed = ids.clone()
    changed[0, last - 1] = 250  # the last token of the item
    union = moved(states(backbone, ids, block_ids, "union"), states(backbone, changed, block_ids, "union"))
    assert not any(union[:first]), "a later item leaks into an earlier one"
    assert all(union[first:last]), "tokens of one item do not see each other"
    causal = moved(states(backbone, ids, block_ids, "causal"), states(backbone, changed, block_ids, "causal"))
    assert not any(causal[: last - 1])
    assert causal[last - 1]


@pytest.mark.parametrize("attention", ATTENTION)
def test_the_prefix_stays_causal(attention: str, checkpoint: Callable[[str], Path]) -> None:
    backbone = load_backbone("mine", checkpoint("llama"), torch.device("cpu"))
    backbone.model.set_attn_implementation(attention)
    blocks = torch.tensor([[CAUSAL_BLOCK, CAUSAL_BLOCK, CAUSAL_BLOCK, 0, 0]])
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    changed = ids.clone()
    changed[0, 2] = 250
    before, after = states(backbone, ids, blocks, "union"), states(backbone, changed, blocks, "union")
    assert moved(before, after) == [False, False, True, True, True]
