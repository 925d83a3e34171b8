"""What the arithmetic says is what PEFT makes: every kind, target and rank, on every layout of linear maps."""

from pathlib import Path

import pytest
from peft.tuners.lokr.layer import factorization
from transformers import AutoConfig, BertConfig, GPT2Config, LlamaConfig, Qwen3Config

from engine.adapters.choice import LayerChoice
from engine.adapters.compile import adapt, model_shapes
from engine.adapters.costs import check_kind, near_square, parameters
from engine.adapters.kinds import ADAPTER_KINDS, TARGETS
from engine.adapters.maps import adapted_maps
from engine.adapters.shapes import Sizes, config_shapes, layer_shapes, nano_shapes
from engine.backbones.families import FAMILIES, Family
from engine.backbones.nano import nano_folder
from engine.backbones.spec import NanoSpec
from engine.errors import UserError
from tests.engine.adapters.models import untrained

RANKS = {"lora": (1, 2, 7), "dora": (1, 2, 7), "loha": (1, 2, 7), "lokr": (1, 3, 4), "oft": (2, 4, 16), "ia3": (1,)}
_SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "vocab_size": 320, "max_position_embeddings": 32}
CONFIGS = {
    "llama": lambda layers: LlamaConfig(num_hidden_layers=layers, **_SMALL),
    "grouped-qwen3": lambda layers: Qwen3Config(num_hidden_layers=layers, num_key_value_heads=2, head_dim=16, **_SMALL),
    "gpt2": lambda layers: GPT2Config(
        n_embd=32, n_head=4, n_layer=layers, vocab_size=320, n_positions=32, bos_token_id=0, eos_token_id=0
    ),
    "bert": lambda layers: BertConfig(num_hidden_layers=layers, **_SMALL),
}


def every_choice(family: Family) -> list[LayerChoice]:
    possible = [kind for kind in RANKS if ADAPTER_KINDS.get(kind).transposed or not family.transposed]
    return [
        LayerChoice.model_validate(f"{kind}/{target}/{rank}") for kind in possible for target in TARGETS for rank in RANKS[kind]
    ]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_arithmetic_is_what_peft_makes(name: str) -> None:
    """One model with a layer for each choice there is: all kinds mixed, one of each."""
    family = FAMILIES.get(CONFIGS[name](1).model_type)
    architecture = every_choice(family)
    config = CONFIGS[name](len(architecture))
    backbone = untrained(config)
    shapes = config_shapes(config)
    assert shapes == model_shapes(backbone)
    found = adapt(backbone, tuple(architecture)).layers
    counted = [
        sum(p.numel() for p in layer.parameters() if p.requires_grad) for layer in backbone.layer_modules
    ]  # from torch, not from what was read back
    assert counted == [layer.parameters for layer in found] == [parameters(choice, shapes) for choice in architecture]
    assert sum(counted) == sum(p.numel() for p in backbone.model.parameters() if p.requires_grad)


def test_the_sizes_of_minilm() -> None:
    config = BertConfig(hidden_size=384, intermediate_size=1536, num_attention_heads=12, num_hidden_layers=6, vocab_size=320)
    architecture = tuple(
        LayerChoice.model_validate(text)
        for text in ("lora/both/8", "dora/both/8", "loha/both/4", "lokr/both/12", "oft/both/16", "ia3/both/1")
    )
    found = [layer.parameters for layer in adapt(untrained(config), architecture).layers]
    assert found == [parameters(choice, config_shapes(config)) for choice in architecture]
    assert found[0] == 8 * (4 * (384 + 384) + 2 * (384 + 1536))
    assert found[5] == 384 + 384 + 1536


def test_ia3_is_on_keys_values_and_inner_activations_only() -> None:
    shapes = config_shapes(Qwen3Config(num_key_value_heads=2, head_dim=16, num_hidden_layers=1, **_SMALL))
    assert parameters(LayerChoice.model_validate("ia3/attention/1"), shapes) == 2 * (2 * 16)
    assert parameters(LayerChoice.model_validate("ia3/mlp/1"), shapes) == 48


def test_nano(tmp_path: Path) -> None:
    spec = NanoSpec(layers=1, dimensions=48, heads=2, vocabulary=300, warmup_steps=0)
    config = AutoConfig.from_pretrained(nano_folder(spec, ["a", "b"], 0))
    assert nano_shapes(spec) == config_shapes(config)


def test_near_square_is_pefts_factorization() -> None:
    assert [near_square(number) for number in range(1, 1500)] == [factorization(number) for number in range(1, 1500)]


def test_a_rank_that_changes_nothing_is_refused() -> None:
    shapes = config_shapes(LlamaConfig(num_hidden_layers=1, **_SMALL))
    highest = LayerChoice.model_validate("lokr/both/4")
    with pytest.raises(UserError, match="got lokr with rank 5, must be 4 or less"):
        parameters(LayerChoice.model_validate("lokr/both/5"), shapes)
    assert parameters(highest, shapes) > parameters(LayerChoice.model_validate("lokr/both/3"), shapes)


def test_blocks_must_divide_the_inputs() -> None:
    shapes = config_shapes(LlamaConfig(num_hidden_layers=1, **_SMALL))
    with pytest.raises(UserError, match=r"oft with blocks of 32, which does not divide the 48 inputs of mlp\.down_proj"):
        parameters(LayerChoice.model_validate("oft/both/32"), shapes)
    assert parameters(LayerChoice.model_validate("oft/attention/32"), shapes) == 4 * 32 * 31 // 2


def test_kinds_that_peft_cannot_make_are_refused_with_the_reason() -> None:
    gpt2 = config_shapes(CONFIGS["gpt2"](1))
    for kind in ("loha", "lokr", "oft"):
        with pytest.raises(UserError, match=rf"{kind} is not possible .* Conv1D .* Possible here: none, lora, dora, ia3\."):
            parameters(LayerChoice(kind=kind, rank=2), gpt2)
    llama = FAMILIES.get("llama")
    for kind in ("loha", "lokr"):
        with pytest.raises(UserError, match=rf"{kind} is not possible .* 4bit .* Possible here: none, lora, dora, oft, ia3\."):
            check_kind(kind, llama, four_bit=True)
    check_kind("oft", llama, four_bit=True)


def test_a_family_of_its_own_layout() -> None:
    strange = Family("blocks", attention=("mix.qkv",), mlp=("mix.up",))
    with pytest.raises(UserError, match=r"ia3/both is not possible here: it is not known which of \['mix\.qkv'\]"):
        adapted_maps("ia3", strange, "both")
    with pytest.raises(UserError, match="There is no model family 'strange'"):
        layer_shapes("strange", Sizes(1, 1, 1, 1))
