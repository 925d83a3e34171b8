import json
import shutil
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from transformers import T5Config

from engine.backbones.forward import read_tokens
from engine.backbones.huggingface import load_backbone
from engine.backbones.text_vectors import text_vectors
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


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_it_ends_quickly_and_says_what_to_do(offline: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    start = time.monotonic()
    with pytest.raises(UserError, match=r"some-one/no-model is not on this machine.*nano works without a network"):
        load_backbone("some-one/no-model", "some-one/no-model", CPU)
    assert time.monotonic() - start < 5  # the hub's own clients would retry for 23 s


def test_what_is_neither_folder_nor_id() -> None:
    with pytest.raises(UserError, match="is neither a folder nor a hub id"):
        load_backbone("big model!", "big model!", CPU)


def test_pickled_weights_are_never_loaded(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    for path in checkpoint("llama").iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match="pickled weights are never loaded"):
        load_backbone("mine", tmp_path, CPU)


def test_an_unsupported_family_lists_the_supported_ones(tmp_path: Path) -> None:
    T5Config(d_model=8, d_ff=8, num_layers=1).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"t5 model, which is not supported yet.*llama, qwen2, qwen3, mistral, gpt2, bert"):
        load_backbone("mine", tmp_path, CPU)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be loaded"):
        load_backbone("mine", tmp_path, CPU)


@pytest.mark.parametrize("kept", [0, 2, -500])
def test_weights_that_were_cut_off(kept: int, checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(checkpoint("llama"), tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(UserError, match="mine cannot be loaded"):
        load_backbone("mine", folder, CPU)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_hidden_layers": 4}, r"the weights of mine lack 18 tensors, for instance layers\.2\."),
        ({"hidden_size": 64}, r"asks for embed_tokens.weight of shape \(\d+, 64\), the weights hold \(\d+, 32\)"),
        ({"hidden_size": "many"}, "expected int, got str"),
    ],
)
def test_a_config_that_does_not_fit_the_weights(
    change: dict[str, object], message: str, checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = copied(checkpoint("llama"), tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **change}), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        load_backbone("mine", folder, CPU)


@pytest.mark.parametrize("family", CONFIGS)
def test_a_folder_without_tokenizer(family: str, checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(checkpoint(family), tmp_path)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(UserError, match="tokenizer"):
        load_backbone("mine", folder, CPU)


@pytest.mark.parametrize("family", CONFIGS)
def test_half_precision_files_and_weights(family: str, checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    full = load_backbone("mine", checkpoint(family), CPU)
    half = load_backbone("mine", checkpoint(family), CPU, weights="bf16")
    assert {parameter.dtype for parameter in half.model.parameters()} == {torch.bfloat16}
    half.model.save_pretrained(tmp_path)
    half.tokenizer.save_pretrained(tmp_path)
    again = load_backbone("mine", tmp_path, CPU)
    assert {parameter.dtype for parameter in again.model.parameters()} == {torch.float32}
    assert torch.equal(again.token_embedding.weight, half.token_embedding.weight.float())
    ids = torch.tensor([[7, 8, 9]])
    states = read_tokens(half, half.token_embedding(ids).float(), torch.zeros_like(ids), "union")  # fp32 from markers and gates
    expected = read_tokens(full, full.token_embedding(ids), torch.zeros_like(ids), "union")
    assert torch.nn.functional.cosine_similarity(states.float(), expected, dim=-1).min() > 0.98
    assert full.identity != half.identity


@pytest.mark.parametrize("family", CONFIGS)
def test_random_weights_come_from_the_seed_alone(family: str, checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(checkpoint(family), tmp_path)
    (folder / "model.safetensors").unlink()
    before = torch.get_rng_state()
    first, same, other = (load_backbone("mine", folder, CPU, random_seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.token_embedding.weight, same.token_embedding.weight)
    assert not torch.equal(first.token_embedding.weight, other.token_embedding.weight)
    assert first.identity == same.identity != other.identity
    assert first.layers == 2
    assert not any(parameter.requires_grad for parameter in first.model.parameters())
    assert torch.isfinite(text_vectors(first, [[7, 8]])).all()
    assert not torch.equal(text_vectors(first, [[7, 8]]), text_vectors(other, [[7, 8]]))


def test_attention_is_chosen_at_loading(checkpoint: Callable[[str], Path]) -> None:
    chosen = {name: load_backbone("mine", checkpoint("llama"), CPU, attention=name).attention for name in ("auto", "eager")}  # type: ignore[arg-type]
    assert chosen == {"auto": "sdpa", "eager": "eager"}
    drawn = load_backbone("mine", checkpoint("llama"), CPU, attention="eager", random_seed=0)
    assert drawn.attention == "eager"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "flex"}, r"flex needs a CUDA device, this run is on cpu\. Choose auto or sdpa"),
        ({"weights": "4bit"}, r"4bit needs a CUDA device, this run is on cpu\. Choose bf16 or fp32"),
        ({"weights": "4bit", "random_seed": 1}, "random weights are not kept in 4 bits"),
    ],
)
def test_what_this_machine_has_not_got(options: dict[str, Any], message: str, checkpoint: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match=message):
        load_backbone("mine", checkpoint("llama"), CPU, **options)


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed here")
def test_four_bits_need_a_package(checkpoint: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="pip install bitsandbytes"):
        load_backbone("mine", checkpoint("llama"), torch.device("cuda"), weights="4bit")


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to / "copy"))
