from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peft import IA3Config, LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from transformers import LlamaConfig

from engine.adapters.choice import LayerChoice
from engine.adapters.compile import adapt, inject, spread
from engine.adapters.configs import adapter_configs
from engine.adapters.probe import probe
from engine.adapters.read_back import adapted_modules, read_back
from engine.backbones.backbone import Backbone
from engine.errors import EngineError, UserError
from engine.training.decay import decays
from tests.engine.adapters.models import CHOICE, IDS, KINDS, choices, states, stir, tiny, untrained
from tests.engine.backbones.tiny import CONFIGS

Checkpoint = Callable[[str], Path]
PAIRS = list(combinations(KINDS, 2))
_SMALL = {"vocab_size": 320, "hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
LORA = st.builds(
    lambda target, rank: LayerChoice(kind="lora" if rank else "none", target=target if rank else "both", rank=rank),
    st.sampled_from(["attention", "mlp", "both"]),
    st.integers(0, 5),
)


def trained(backbone: Backbone, layer: int) -> list[torch.nn.Parameter]:
    return [parameter for parameter in backbone.layer_modules[layer].parameters() if parameter.requires_grad]


@pytest.mark.parametrize("family", CONFIGS)
@given(architecture=st.tuples(LORA, LORA))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_layer_gets_just_what_was_planned(
    family: str, checkpoint: Checkpoint, architecture: tuple[LayerChoice, ...]
) -> None:
    backbone = tiny(checkpoint, family)
    adapted = adapt(backbone, architecture)
    assert [LayerChoice(kind=x.kind, target=x.target, rank=x.rank) for x in adapted.layers] == list(architecture)  # type: ignore[arg-type]
    assert sum(p.numel() for p in backbone.model.parameters() if p.requires_grad) == sum(x.parameters for x in adapted.layers)
    assert (adapted.peft_model is None) == all(choice.kind == "none" for choice in architecture)


@pytest.mark.parametrize("kind", KINDS)
def test_layer_1_is_not_layer_10(kind: str) -> None:
    backbone = untrained(LlamaConfig(num_hidden_layers=12, max_position_embeddings=32, **_SMALL))
    texts = ["none"] * 12
    texts[1] = f"{kind}/mlp/{1 if kind == 'ia3' else 2}"
    found = adapt(backbone, choices(*texts)).layers
    assert [layer.kind for layer in found] == [kind if layer == 1 else "none" for layer in range(12)]


@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2", "bert"])
def test_an_adapter_changes_nothing_at_first(family: str, checkpoint: Checkpoint) -> None:
    before = states(tiny(checkpoint, family))
    for kind in KINDS if family != "gpt2" else ("lora", "dora", "ia3"):
        backbone = tiny(checkpoint, family)
        adapt(backbone, choices(CHOICE[kind]))
        torch.testing.assert_close(states(backbone), before, atol=2e-6, rtol=1e-5, msg=kind)
        stir(backbone.model)
        assert (states(backbone) - before).abs().max() > 1e-3, kind


@pytest.mark.parametrize(("lower", "upper"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_two_kinds_in_one_model_both_work(lower: str, upper: str, checkpoint: Checkpoint) -> None:
    """By what comes out: PEFT can leave an adapter trainable that no forward pass uses."""
    backbone = tiny(checkpoint)
    before = states(backbone)
    adapted = adapt(backbone, choices(CHOICE[lower], CHOICE[upper]))
    assert adapted.peft_model is None
    assert [layer.kind for layer in adapted.layers] == [lower, upper]
    torch.testing.assert_close(states(backbone), before, atol=2e-6, rtol=1e-5)
    for layer in (0, 1):
        stir(backbone.layer_modules[layer], seed=layer)
        moved = states(backbone)
        assert (moved - before).abs().max() > 1e-3
        before = moved
    backbone.model(input_ids=IDS).last_hidden_state.square().sum().backward()
    for name, parameter in backbone.model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
        assert parameter.grad is None or parameter.grad.abs().max() > 0, name


def test_all_kinds_merge(checkpoint: Checkpoint) -> None:
    backbone = untrained(LlamaConfig(num_hidden_layers=6, max_position_embeddings=32, **_SMALL))
    adapt(backbone, choices(*CHOICE.values()))
    stir(backbone.model)
    before = states(backbone)
    for module in adapted_modules(backbone.model).values():
        module.merge()
    assert all(module.merged for module in adapted_modules(backbone.model).values())
    torch.testing.assert_close(states(backbone), before, atol=1e-4, rtol=1e-4)


def test_two_block_sizes_of_oft_are_two_adapters(checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    adapted = adapt(backbone, choices("oft/both/2", "oft/attention/16"))
    assert list(adapted.adapters) == ["oft-2", "oft-16"]
    assert [layer.rank for layer in adapted.layers] == [2, 16]


@pytest.mark.parametrize("kind", KINDS)
def test_layers_below_the_lowest_adapter_cost_no_backward_pass(kind: str, checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    adapt(backbone, choices("none", CHOICE[kind]))
    entered: list[bool] = []
    for layer in backbone.layer_modules:
        layer.register_forward_hook(lambda module, inputs, output: entered.append(output.requires_grad))
    backbone.model(input_ids=IDS)
    assert entered == [False, True]


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_on_half_precision_weights_train_in_full(kind: str, checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    backbone.model.to(torch.bfloat16)
    other = "ia3/both/1" if kind == "lora" else "lora/both/2"
    adapt(backbone, choices(CHOICE[kind], other))
    assert {parameter.dtype for layer in (0, 1) for parameter in trained(backbone, layer)} == {torch.float32}
    states_ = backbone.model(input_ids=IDS).last_hidden_state
    assert states_.dtype == torch.bfloat16
    states_.float().square().sum().backward()
    assert all(parameter.grad is not None for layer in (0, 1) for parameter in trained(backbone, layer))


def test_no_adapter_anywhere(checkpoint: Checkpoint) -> None:
    adapted = adapt(tiny(checkpoint), choices("none"))
    assert (adapted.peft_model, adapted.adapters) == (None, {})
    assert [layer.kind for layer in adapted.layers] == ["none", "none"]


def test_the_number_of_choices_must_fit() -> None:
    assert spread(choices("lora/both/8"), 3) == list(choices("lora/both/8")) * 3
    with pytest.raises(UserError, match="got 2 choices, must be 1 or one for each of the backbone's 3 layers"):
        spread(choices("none", "none"), 3)


def test_packed_weights_refuse_what_is_built_in_their_shape(checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    backbone.model.is_loaded_in_4bit = True
    with pytest.raises(UserError, match="loha is not possible with this backbone"):
        adapt(backbone, choices("loha/both/2"))
    assert not adapted_modules(backbone.model)


def test_a_layer_that_no_choice_describes_is_an_error(checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    inject_adapter_in_model(LoraConfig(r=2, target_modules=["layers.0.self_attn.q_proj"]), backbone.model)
    with pytest.raises(EngineError, match="no single choice describes"):
        read_back(backbone.model, backbone.family, backbone.layers)


def test_scaling_at_the_wrong_side_is_an_error(checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    config = IA3Config(target_modules=r"layers\.0\.mlp\.down_proj", feedforward_modules=[])
    inject_adapter_in_model(config, backbone.model)
    with pytest.raises(EngineError, match="no single choice describes"):
        read_back(backbone.model, backbone.family, backbone.layers)


def test_an_adapter_outside_of_the_layers_is_an_error(checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    inject_adapter_in_model(LoraConfig(r=2, target_modules=["embed_tokens"]), backbone.model)
    with pytest.raises(EngineError, match="outside of the layers"):
        read_back(backbone.model, backbone.family, backbone.layers)


def test_another_injection_than_planned_is_an_error(checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    made = adapter_configs(backbone.family, list(choices("lora/both/2", "none")))
    with pytest.raises(EngineError, match="differ from the architecture"):
        inject(backbone, list(choices("lora/both/2", "lora/both/2")), made)


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`")
def test_an_adapter_that_a_second_one_disabled_is_an_error(checkpoint: Checkpoint) -> None:
    """The trap of PEFT 0.21 itself: the flags of the first say that it is trained."""
    backbone = tiny(checkpoint)
    for name, layer in (("first", 0), ("second", 1)):
        config = LoraConfig(r=2, target_modules=rf"layers\.{layer}\.(mlp\.(gate|up|down)_proj)", use_dora=name == "second")
        inject_adapter_in_model(config, backbone.model, adapter_name=name)
    before = states(backbone)
    assert trained(backbone, 0)
    stir(backbone.layer_modules[0])
    torch.testing.assert_close(states(backbone), before)
    with pytest.raises(EngineError, match=r"its forward pass uses \['second'\]"):
        read_back(backbone.model, backbone.family, backbone.layers)


def test_an_adapter_without_effect_is_an_error(checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    adapt(backbone, choices("none", "lora/mlp/2"))
    weights = {name: parameter.detach().clone() for name, parameter in backbone.model.named_parameters()}
    chance = torch.get_rng_state()
    probe(backbone.model)
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(torch.equal(weights[name], parameter) for name, parameter in backbone.model.named_parameters())
    assert all(parameter.grad is None for parameter in backbone.model.parameters())
    broken = backbone.model.get_submodule("layers.1.mlp.up_proj")
    assert isinstance(broken, LoraLayer)
    broken.scaling["default"] = 0.0
    with pytest.raises(EngineError, match=r"layers\.1\.mlp\.up_proj has no effect"):
        probe(backbone.model)


def test_a_frozen_adapter_is_an_error(checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    adapt(backbone, choices("none", "lora/mlp/2"))
    trained(backbone, 1)[0].requires_grad_(False)
    with pytest.raises(EngineError, match="weights that are not trained"):
        read_back(backbone.model, backbone.family, backbone.layers)


def test_ia3_on_a_family_whose_keys_are_not_known(checkpoint: Checkpoint) -> None:
    backbone = tiny(checkpoint)
    strange = replace(backbone, family=replace(backbone.family, attention=("self_attn.q_proj",)))
    with pytest.raises(UserError, match="ia3/both is not possible here"):
        adapt(strange, choices("ia3/both/1"))


def test_factors_do_not_decay(checkpoint: Checkpoint) -> None:
    """IA3's weights are matrices of one row or column that rest at 1; decay would pull them to 0."""
    backbone = tiny(checkpoint)
    adapt(backbone, choices("ia3/both/1", "lora/both/1"))
    trainable = {name: parameter for name, parameter in backbone.model.named_parameters() if parameter.requires_grad}
    assert any(".ia3_l." in name for name in trainable)
    assert any(".lora_" in name for name in trainable)
    for name, parameter in trainable.items():
        assert parameter.ndim == 2
        assert decays(parameter) is (".ia3_l." not in name)
