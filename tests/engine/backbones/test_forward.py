"""Reading by parts is the official forward: with adapters, gradients, reduced precision and both attention implementations."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from transformers import MistralConfig, MistralModel

from engine.adapters.choice import LayerChoice
from engine.adapters.compile import adapt
from engine.backbones.backbone import Backbone
from engine.backbones.forward import read_items, read_tokens, read_upper
from engine.backbones.huggingface import load_backbone
from engine.errors import UserError
from engine.masking.masks import MaskName
from tests.engine.backbones.tiny import CONFIGS
from tests.engine.masking.modes import MODES, History

HISTORY = History([5, 6], [[7, 8, 9], [10, 11], [12, 13, 14, 15]])
IDS = torch.tensor([[7, 8, 9, 10, 11, 12], [30, 31, 32, 33, 34, 35]])
MASKS: tuple[MaskName, ...] = ("union", "causal", "per_head")


def loaded(checkpoint: Callable[[str], Path], family: str, attention: str = "sdpa") -> Backbone:
    backbone = load_backbone("mine", checkpoint(family), torch.device("cpu"))
    backbone.model.set_attn_implementation(attention)
    return backbone


def with_lora(backbone: Backbone) -> Backbone:
    """LoRA in every layer, always the same, with a B that is not zero."""
    torch.manual_seed(3)
    adapt(backbone, (LayerChoice(kind="lora", target="both", rank=2),))
    for name, parameter in backbone.model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.1)
    return backbone


@pytest.mark.parametrize("adapted", [False, True])
@pytest.mark.parametrize("family", CONFIGS)
def test_reads_as_the_official_forward_does(family: str, adapted: bool, checkpoint: Callable[[str], Path]) -> None:
    backbone = loaded(checkpoint, family)
    plain = backbone.model(input_ids=IDS).last_hidden_state
    if adapted:
        with_lora(backbone)
        assert not torch.allclose(plain, backbone.model(input_ids=IDS).last_hidden_state, atol=1e-2)
    official = backbone.model(input_ids=IDS, use_cache=False).last_hidden_state
    mask: MaskName = "union" if backbone.family.encoder else "causal"  # one item a row: union is all to all
    ours = read_tokens(backbone, backbone.token_embedding(IDS), torch.zeros_like(IDS), mask)
    torch.testing.assert_close(ours, official)


@pytest.mark.parametrize("adapted", [False, True])
@pytest.mark.parametrize("family", CONFIGS)
def test_lower_and_upper_part_make_the_whole(family: str, adapted: bool, checkpoint: Callable[[str], Path]) -> None:
    backbone = loaded(checkpoint, family)
    if adapted:
        with_lora(backbone)
    embeddings = backbone.token_embedding(IDS)
    blocks, positions = torch.zeros_like(IDS), torch.arange(IDS.shape[1]).expand_as(IDS)
    lower = read_items(backbone, embeddings, torch.tensor([6, 6]), 1)
    parts = read_upper(backbone, lower, blocks, 1, positions)
    torch.testing.assert_close(parts, read_tokens(backbone, embeddings, blocks, "union"))
    assert len(backbone.layer_modules) == backbone.layers  # and the base model was left as it was


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", CONFIGS)
def test_sdpa_and_eager_agree(family: str, mode: str, checkpoint: Callable[[str], Path]) -> None:
    with torch.no_grad():
        reads = [MODES[mode](with_lora(loaded(checkpoint, family, name)), HISTORY, 2).states for name in ("sdpa", "eager")]
    torch.testing.assert_close(reads[0], reads[1], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("family", CONFIGS)
def test_half_of_the_heads_see_the_item_alone(family: str, checkpoint: Callable[[str], Path]) -> None:
    """What the heads really attend to, as eager attention reports it."""
    backbone = loaded(checkpoint, family, "eager")
    ids = torch.tensor([[5, 6, 7, 8, 9, 10]])
    blocks = torch.tensor([[-1, -1, 0, 0, 1, 1]])
    seen: list[Tensor] = []
    attention = [
        module for name, module in backbone.layer_modules[0].named_modules() if name.endswith(("attn", "attention.self"))
    ]
    hook = attention[0].register_forward_hook(lambda module, inputs, output: seen.append(output[1]))
    read_tokens(backbone, backbone.token_embedding(ids), blocks, "per_head")
    hook.remove()
    past = torch.ones(6, 6).tril().bool()
    own = past & (blocks[0][:, None] == blocks[0]) | (blocks[0][:, None] == blocks[0]) & (blocks[0] >= 0)
    assert [torch.equal(head > 0, own) for head in seen[0][0]] == [True, True, False, False]
    assert [torch.equal(head > 0, past) for head in seen[0][0]] == [False, False, True, True]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", CONFIGS)
def test_gradient_checkpointing_changes_no_gradient(family: str, mode: str, checkpoint: Callable[[str], Path]) -> None:
    gradients = []
    for checkpointing in (False, True):
        backbone = replace(with_lora(loaded(checkpoint, family)), checkpointing=checkpointing)
        MODES[mode](backbone, HISTORY, 0).states.pow(2).sum().backward()
        gradients.append({name: p.grad for name, p in backbone.model.named_parameters() if p.requires_grad})
        assert backbone.model.is_activation_checkpointing is checkpointing
        assert not any(module.training for module in backbone.model.modules() if isinstance(module, nn.Dropout))
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert gradient is not None, name
        assert gradient.abs().max() > 0
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)


def test_checkpointing_really_computes_layers_twice(checkpoint: Callable[[str], Path]) -> None:
    backbone = replace(with_lora(loaded(checkpoint, "llama")), checkpointing=True)
    calls: list[int] = []
    backbone.layer_modules[0].self_attn.register_forward_hook(lambda *_: calls.append(1))  # type: ignore[union-attr]
    read_tokens(backbone, backbone.token_embedding(IDS), torch.zeros_like(IDS), "union").sum().backward()
    assert len(calls) == 2
    with torch.no_grad():
        read_tokens(backbone, backbone.token_embedding(IDS), torch.zeros_like(IDS), "union")
    assert len(calls) == 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", CONFIGS)
def test_reduced_precision_is_close(family: str, attention: str, mode: str, checkpoint: Callable[[str], Path]) -> None:
    backbone = loaded(checkpoint, family, attention)
    full = MODES[mode](backbone, HISTORY, 1).states
    with torch.autocast("cpu", torch.bfloat16):
        reduced = MODES[mode](backbone, HISTORY, 1).states.float()
    assert torch.nn.functional.cosine_similarity(full, reduced).min() > 0.98


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", CONFIGS)
def test_half_precision_weights_take_adapters(
    family: str, attention: Literal["sdpa", "eager"], autocast: bool, checkpoint: Callable[[str], Path]
) -> None:
    full = with_lora(loaded(checkpoint, family))
    half = with_lora(load_backbone("mine", checkpoint(family), torch.device("cpu"), weights="bf16", attention=attention))
    for mode, read in MODES.items():
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            states = read(half, HISTORY, 1).states.float()
        assert torch.nn.functional.cosine_similarity(states, read(full, HISTORY, 1).states).min() > 0.97, mode
        states.pow(2).mean().backward()
    trained = [parameter for parameter in half.model.parameters() if parameter.requires_grad]
    assert {parameter.dtype for parameter in trained} == {torch.float32}
    for parameter in trained:
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()


def test_a_sliding_window_hides_no_item(checkpoint: Callable[[str], Path]) -> None:
    backbone = loaded(checkpoint, "mistral")
    assert isinstance(backbone.model, MistralModel)
    narrow_config = MistralConfig(**{**backbone.model.config.to_dict(), "sliding_window": 2})
    narrow_config._attn_implementation = "sdpa"
    narrow_model = MistralModel(narrow_config)
    narrow_model.load_state_dict(backbone.model.state_dict())
    narrow = replace(backbone, model=narrow_model.eval())
    wide_config_off = replace(backbone)
    wide_config_off.model.config.sliding_window = None
    with torch.no_grad():
        assert not torch.allclose(narrow.model(input_ids=IDS).last_hidden_state, backbone.model(input_ids=IDS).last_hidden_state)
        for mode in MODES:
            wide = MODES[mode](wide_config_off, HISTORY, 0).states
            torch.testing.assert_close(MODES[mode](narrow, HISTORY, 0).states, wide)


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "mistral"])
def test_rotary_positions_order_the_items(family: str, checkpoint: Callable[[str], Path]) -> None:
    backbone = loaded(checkpoint, family)
    states = torch.randn(1, 4, 32, generator=torch.Generator().manual_seed(0))
    near, shifted, far = (
        read_upper(backbone, states, None, 1, torch.tensor([positions]))
        for positions in ([0, 1, 2, 3], [5, 6, 7, 8], [0, 1, 2, 9])
    )
    torch.testing.assert_close(near, shifted, atol=1e-4, rtol=1e-3)  # only distances count, and a gap cuts nothing
    assert not torch.allclose(near[:, 3], far[:, 3], atol=1e-3)
    assert torch.equal(near[:, :3], far[:, :3])


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_learned_positions_are_limited(family: str, checkpoint: Callable[[str], Path]) -> None:
    backbone = loaded(checkpoint, family)
    ids = torch.full((1, 257), 7)
    with pytest.raises(UserError, match="mine reads at most 256 tokens at once, got 257"):
        read_tokens(backbone, backbone.token_embedding(ids), torch.zeros_like(ids), "union")
    states = torch.randn(1, 300, 32)
    assert read_upper(backbone, states, None, 1, torch.arange(300)[None]).shape == states.shape


@pytest.mark.parametrize("layers", [0, 2])
def test_the_split_must_leave_both_parts(layers: int, checkpoint: Callable[[str], Path]) -> None:
    backbone = loaded(checkpoint, "llama")
    with pytest.raises(UserError, match="must be between 1 and 1"):
        read_items(backbone, backbone.token_embedding(IDS), torch.tensor([6, 6]), layers)


def test_an_empty_item_gives_numbers(checkpoint: Callable[[str], Path]) -> None:
    for family in CONFIGS:
        for attention in ("sdpa", "eager"):
            backbone = loaded(checkpoint, family, attention)
            assert torch.isfinite(read_items(backbone, backbone.token_embedding(IDS), torch.tensor([0, 3]), 1)).all()
