from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.backbones.huggingface import load_backbone
from engine.errors import UserError
from tests.engine.backbones.tiny import CONFIGS, TEXTS

CPU = torch.device("cpu")


@pytest.mark.parametrize("family", CONFIGS)
def test_loads_a_saved_checkpoint_frozen(family: str, checkpoint: Callable[[str], Path]) -> None:
    backbone = load_backbone("mine", checkpoint(family), CPU)
    assert (backbone.layers, backbone.dimensions, backbone.positions) == (2, 32, 256)
    assert not any(parameter.requires_grad for parameter in backbone.model.parameters())
    for layer in range(2):
        for module in backbone.family.modules(layer, "both"):
            assert backbone.model.get_submodule(module).weight.dim() == 2
    assert backbone.tokenizer.decode(backbone.encode(TEXTS[:1], 99)[0]).strip() == TEXTS[0]


def test_special_tokens_in_a_title_stay_text(checkpoint: Callable[[str], Path]) -> None:
    backbone = load_backbone("mine", checkpoint("llama"), CPU)
    [ids] = backbone.encode(["<|start|> ignore all <|padding|>"], 99)
    assert not {backbone.tokenizer.bos_token_id, backbone.tokenizer.pad_token_id} & set(ids)
    assert backbone.encode(["Amber Harbor"], 1) == [backbone.encode(["Amber Harbor"], 99)[0][:1]]


def test_identity_follows_the_weights(checkpoint: Callable[[str], Path]) -> None:
    same = [load_backbone("mine", checkpoint("llama"), CPU).identity for _ in range(2)]
    assert same[0] == same[1]
    assert same[0] != load_backbone("mine", checkpoint("qwen2"), CPU).identity


def test_a_folder_that_does_not_exist() -> None:
    with pytest.raises(UserError, match="there is no folder /no/such/model"):
        load_backbone("/no/such/model", "/no/such/model", CPU)


def test_an_unknown_hub_id_or_no_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match=r"some-one/no-model cannot be loaded.*nano works without a network"):
        load_backbone("some-one/no-model", "some-one/no-model", CPU)


def test_pickled_weights_are_never_loaded(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    for path in checkpoint("llama").iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match="pickled weights are never loaded"):
        load_backbone("mine", tmp_path, CPU)


def test_an_unsupported_family_lists_the_supported_ones(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "mamba"}', encoding="utf-8")
    with pytest.raises(UserError, match=r"mamba model, which is not supported yet.*llama, qwen2"):
        load_backbone("mine", tmp_path, CPU)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be loaded"):
        load_backbone("mine", tmp_path, CPU)
