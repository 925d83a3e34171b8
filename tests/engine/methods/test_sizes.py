"""The arithmetic is what is really built, for every method and for each part of DARec."""

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.backbones.known import known_backbone
from engine.backbones.minilm import minilm_folder
from engine.backbones.spec import NanoSpec
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import UserError
from engine.methods import METHODS
from engine.methods.method import Context
from engine.methods.sizes import trainable_parameters
from tests.engine.methods.runs import DAREC_PLAIN, PRESETS, small_spec

DAREC: dict[str, dict[str, Any]] = {
    "plain": DAREC_PLAIN,
    "layers-differ": {"method.architecture": "lora/attention/3,none"},
    "few-components": {"method.text.components": 5, "method.tasks.item_grounding": 0.1},
    "ids": {"method.text.content": "ids"},
    "no-injection": {"method.injection.kind": "none"},
    "not-joint": {"method.injection.joint": False},
    "no-long-term": {"method.injection.long_term": False, "method.injection.item": False},
    "jointly-from-the-start": {"method.injection.share_of_time": 0},
    "hstu": {"method.injection.kind": "hstu"},
    "gru4rec": {"method.injection.kind": "gru4rec", "method.injection.gru4rec.layers": 2},
    "lightgcn": {"method.injection.kind": "lightgcn"},
    "bpr-mf": {"method.injection.kind": "bpr-mf"},
}
OTHERS: dict[str, dict[str, Any]] = {
    "sasrec": {"method.members": 2},
    "hstu": {"method.relative_bias": False, "method.positions": False, "method.layers": 2},
    "gru4rec": {"method.layers": 3},
}
CASES: list[tuple[str, dict[str, Any]]] = [(method, {}) for method in PRESETS]
CASES += [*OTHERS.items(), *(("darec", settings) for settings in DAREC.values())]


@pytest.mark.parametrize(("method", "settings"), CASES)
def test_arithmetic(planted: Version, tmp_path: Path, method: str, settings: dict[str, Any]) -> None:
    spec = small_spec(method, settings)
    context = Context(spec, planted, leave_one_out(planted), torch.device("cpu"), tmp_path, lambda event: None)
    built = METHODS.get(method).load()(context)
    counts = planted.counts
    assert trainable_parameters(spec, counts.users, counts.items) == built.trainable_parameters()


def test_a_backbone_in_files_is_not_counted() -> None:
    assert trainable_parameters(small_spec("darec", {"method.backbone": "owner/model"}), 10, 10) is None


def test_minilm_is_as_it_is_known() -> None:
    try:
        folder = minilm_folder()
    except UserError as error:
        pytest.skip(str(error))
    from engine.adapters.shapes import config_shapes
    from engine.backbones.huggingface import read_config

    config, known = read_config(folder), known_backbone("minilm", NanoSpec())
    assert known is not None
    assert (known.layers, known.dimensions) == (config.num_hidden_layers, config.hidden_size)
    assert (known.positions, known.shapes) == (config.max_position_embeddings, config_shapes(config))
