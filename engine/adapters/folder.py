"""Adapters as a folder: one that PEFT alone loads where its format can say all, else our manifest with one PEFT folder each."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from peft import PeftConfig, PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.adapters.card import CARD
from engine.adapters.choice import LayerChoice
from engine.adapters.compile import Adapted, inject, verified, without_known_warnings
from engine.adapters.configs import ALONE
from engine.adapters.names import public_name
from engine.adapters.read_back import read_back
from engine.backbones.backbone import Backbone
from engine.errors import CheckpointError, UserError

MANIFEST = "adapters.json"
_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."  # what PEFT puts before names, so that it can load each adapter of a mixed folder too


class Manifest(BaseModel):
    """What a folder with several adapters holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    model_type: str
    architecture: list[LayerChoice]
    adapters: list[str]


def save_adapters(adapted: Adapted, folder: Path) -> None:
    """Write the adapters; nothing where no layer has one.

    One adapter: ``folder`` is what ``PeftModel.from_pretrained(base, folder)`` loads. Several: the manifest, and a folder of that
    form for each; only ``load_adapters`` puts them together.
    """
    for config in adapted.adapters.values():
        # PEFT would write the folder on this machine that the base model came from.
        config.base_model_name_or_path = public_name(adapted.backbone.name)
    if adapted.peft_model is not None:
        adapted.peft_model.save_pretrained(str(folder), save_embedding_layers=False)
        # PEFT's own card: a form to be filled in, with that folder in it.
        (folder / CARD).unlink(missing_ok=True)
        return
    if not adapted.adapters:
        return
    model = adapted.backbone.model
    for name, config in adapted.adapters.items():
        config.save_pretrained(str(folder / name))
        tensors = {_PREFIX + key: tensor for key, tensor in _tensors(adapted, name).items()}
        save_file(tensors, folder / name / _WEIGHTS, metadata={"format": "pt"})
    manifest = Manifest(
        model_type=model.config.model_type,
        architecture=[
            LayerChoice.model_validate(layer.model_dump(include={"kind", "target", "rank"})) for layer in adapted.layers
        ],
        adapters=list(adapted.adapters),
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")


def load_adapters(backbone: Backbone, folder: Path) -> Adapted:
    """Put what ``save_adapters`` wrote on a backbone without adapters, exactly, trainable, and verified.

    Raises:
        UserError: the folder holds no adapters, or those of another kind of model.
        CheckpointError: it is damaged.
        EngineError: the model then has something else than the folder says.
    """
    if (folder / MANIFEST).is_file():
        return _load_several(backbone, folder)
    if not (folder / _CONFIG).is_file():
        raise UserError(f"{folder.name} holds no adapters: neither {MANIFEST} nor {_CONFIG} is there.")
    if not (folder / _WEIGHTS).is_file():
        raise UserError(f"{folder.name} has no {_WEIGHTS}; pickled weights are never loaded.", "Export the adapters anew.")
    with without_known_warnings(), _readable(folder):
        peft_model = PeftModel.from_pretrained(backbone.model, str(folder), is_trainable=True)
    layers = read_back(backbone.model, backbone.family, backbone.layers)
    choices = [LayerChoice.model_validate(layer.model_dump(include={"kind", "target", "rank"})) for layer in layers]
    return verified(backbone, choices, {ALONE: peft_model.peft_config[ALONE]}, peft_model)


@contextlib.contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"The adapters in {folder.name} cannot be read ({error}).") from error


def _load_several(backbone: Backbone, folder: Path) -> Adapted:
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
        configs = {name: PeftConfig.from_pretrained(str(folder / name)) for name in manifest.adapters}
        saved = {name: load_file(folder / name / _WEIGHTS) for name in manifest.adapters}
    except (OSError, ValueError, ValidationError, json.JSONDecodeError, SafetensorError) as error:
        raise CheckpointError(f"The adapters in {folder.name} cannot be read ({error}).") from error
    model_type = backbone.model.config.model_type
    if (manifest.model_type, len(manifest.architecture)) != (model_type, backbone.layers):
        raise UserError(
            f"The adapters in {folder.name} are for {manifest.model_type} models with {len(manifest.architecture)} layers, "
            f"{backbone.name} is {model_type} with {backbone.layers}."
        )
    adapted = inject(backbone, manifest.architecture, configs)
    for name, tensors in saved.items():
        _put(adapted, name, {key.removeprefix(_PREFIX): tensor for key, tensor in tensors.items()})
    return adapted


def _put(adapted: Adapted, name: str, tensors: dict[str, Tensor]) -> None:
    expected = _tensors(adapted, name)
    if {key: tensor.shape for key, tensor in tensors.items()} != {key: tensor.shape for key, tensor in expected.items()}:
        raise CheckpointError(f"The weights of the adapter {name} do not fit its config.")
    with torch.no_grad():
        set_peft_model_state_dict(adapted.backbone.model, tensors, adapter_name=name)


def _tensors(adapted: Adapted, name: str) -> dict[str, Tensor]:
    found = get_peft_model_state_dict(adapted.backbone.model, adapter_name=name, save_embedding_layers=False)
    return {key: tensor.detach().contiguous() for key, tensor in found.items()}
