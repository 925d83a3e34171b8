import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from engine.adapters.choice import LayerChoice
from engine.adapters.compile import adapt, read_back, spread
from engine.backbones.huggingface import load_backbone
from engine.errors import EngineError, UserError
from tests.engine.backbones.tiny import CONFIGS

CPU = torch.device("cpu")
CHOICES = st.builds(
    lambda target, rank: LayerChoice(kind="lora" if rank else "none", target=target if rank else "both", rank=rank),
    st.sampled_from(["attention", "mlp", "both"]),
    st.integers(0, 5),
)


def choices(*texts: str) -> tuple[LayerChoice, ...]:
    return tuple(LayerChoice.model_validate(text) for text in texts)


@pytest.mark.parametrize("family", CONFIGS)
@given(architecture=st.tuples(CHOICES, CHOICES))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_layer_gets_just_what_was_planned(
    family: str, checkpoint: Callable[[str], Path], architecture: tuple[LayerChoice, ...]
) -> None:
    backbone = load_backbone("mine", checkpoint(family), CPU)
    adapted = adapt(backbone, architecture)
    assert [LayerChoice(kind=x.kind, target=x.target, rank=x.rank) for x in adapted.layers] == list(architecture)  # type: ignore[arg-type]
    trainable = sum(p.numel() for p in backbone.model.parameters() if p.requires_grad)
    assert trainable == sum(layer.parameters for layer in adapted.layers)
    assert (adapted.peft_model is None) == all(choice.kind == "none" for choice in architecture)


def test_layer_1_is_not_layer_10(tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaModel

    from engine.backbones.backbone import Backbone
    from engine.backbones.families import FAMILIES
    from engine.backbones.nano import train_tokenizer

    small = {"vocab_size": 320, "hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    config = LlamaConfig(num_hidden_layers=12, max_position_embeddings=32, **small)
    backbone = Backbone("deep", "deep", LlamaModel(config), train_tokenizer(["a"], 300), FAMILIES.get("llama"))
    texts = ["none"] * 12
    texts[1] = "lora/mlp/2"
    found = adapt(backbone, choices(*texts)).layers
    assert [layer.kind for layer in found] == ["lora" if layer == 1 else "none" for layer in range(12)]


def test_adapters_change_nothing_at_first_and_something_when_trained(checkpoint: Callable[[str], Path]) -> None:
    backbone = load_backbone("mine", checkpoint("llama"), CPU)
    ids = torch.tensor([[5, 6, 7]])
    before = backbone.model(input_ids=ids).last_hidden_state
    adapt(backbone, choices("none", "lora/both/3"))
    torch.testing.assert_close(backbone.model(input_ids=ids).last_hidden_state, before)
    for name, parameter in backbone.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    assert not torch.allclose(backbone.model(input_ids=ids).last_hidden_state, before, atol=1e-3)


def test_a_saved_adapter_loads_with_peft_alone_in_a_clean_process(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = checkpoint("llama")
    backbone = load_backbone("mine", folder, CPU)
    adapted = adapt(backbone, choices("lora/attention/2", "lora/mlp/4"))
    for name, parameter in backbone.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    assert adapted.peft_model is not None
    adapted.peft_model.save_pretrained(tmp_path / "adapter", save_embedding_layers=False)
    ids = torch.tensor([[5, 6, 7]])
    save_file({"states": backbone.model(input_ids=ids).last_hidden_state.detach().contiguous()}, tmp_path / "ours.safetensors")
    code = (
        "import torch; from peft import PeftModel; from transformers import AutoModel; from safetensors.torch import save_file\n"
        f"model = PeftModel.from_pretrained(AutoModel.from_pretrained({str(folder)!r}), {str(tmp_path / 'adapter')!r}).eval()\n"
        "states = model(input_ids=torch.tensor([[5, 6, 7]])).last_hidden_state.detach().contiguous()\n"
        f"save_file({{'states': states}}, {str(tmp_path / 'theirs.safetensors')!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    ours, theirs = load_file(tmp_path / "ours.safetensors"), load_file(tmp_path / "theirs.safetensors")
    torch.testing.assert_close(ours["states"], theirs["states"])


def test_the_number_of_choices_must_fit() -> None:
    assert spread(choices("lora/both/8"), 3) == list(choices("lora/both/8")) * 3
    with pytest.raises(UserError, match="got 2 choices, must be 1 or one for each of the backbone's 3 layers"):
        spread(choices("none", "none"), 3)


def test_a_layer_that_no_choice_describes_is_an_error(checkpoint: Callable[[str], Path]) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    backbone = load_backbone("mine", checkpoint("llama"), CPU)
    inject_adapter_in_model(LoraConfig(r=2, target_modules=["layers.0.self_attn.q_proj"]), backbone.model)
    with pytest.raises(EngineError, match="no single choice describes"):
        read_back(backbone.model, backbone.family, backbone.layers)
