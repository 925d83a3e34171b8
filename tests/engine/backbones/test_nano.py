from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backbones.huggingface import load_backbone
from engine.backbones.nano import nano_folder, train_tokenizer
from engine.backbones.spec import NanoSpec
from engine.cache import cache_root
from engine.errors import RunCancelled
from tests.engine.backbones.tiny import TEXTS

SPEC = NanoSpec(layers=2, dimensions=32, heads=2, vocabulary=320, warmup_steps=25)


def test_is_made_once_and_loads_as_any_checkpoint() -> None:
    calls: list[int] = []
    folder = nano_folder(SPEC, TEXTS, 0, lambda done, total: calls.append(done))
    assert calls == list(range(25))
    assert nano_folder(SPEC, TEXTS, 0, lambda done, total: calls.append(done)) == folder
    assert len(calls) == 25
    backbone = load_backbone("nano", folder, torch.device("cpu"))
    assert (backbone.layers, backbone.dimensions) == (2, 32)
    assert backbone.prefix_ids == [backbone.tokenizer.bos_token_id]


def test_another_recipe_is_another_nano() -> None:
    small = SPEC.model_copy(update={"warmup_steps": 1})
    folders = {nano_folder(small, TEXTS, 0), nano_folder(small, TEXTS, 1), nano_folder(small, TEXTS[:3], 0)}
    assert len(folders) == 3


def test_the_warm_up_learns_the_texts() -> None:
    def loss(steps: int) -> float:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = nano_folder(SPEC.model_copy(update={"warmup_steps": steps}), TEXTS, 0)
        model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
        ids = torch.tensor([tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]])
        return float(model(input_ids=ids, labels=ids).loss.detach())

    assert loss(60) < 0.7 * loss(0)


def test_stopping_the_warm_up_leaves_nothing_half_made() -> None:
    def stop(done: int, total: int) -> None:
        raise RunCancelled

    before = sorted((cache_root() / "nano").iterdir()) if (cache_root() / "nano").exists() else []
    with pytest.raises(RunCancelled):
        nano_folder(SPEC, ["never seen before"], 0, stop)
    assert sorted((cache_root() / "nano").iterdir()) == before


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(max_examples=80, deadline=None)
def test_any_text_survives_the_tokenizer(text: str) -> None:
    tokenizer = train_tokenizer(TEXTS, 320)
    ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    back = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    assert back.removeprefix(" ") == text.removeprefix(" ")


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DARECLAB_CACHE", str(tmp_path))
    assert cache_root() == tmp_path
