"""Tiny models to adapt, and weights far from their start."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig

from engine.adapters.choice import LayerChoice
from engine.backbones.backbone import Backbone
from engine.backbones.families import FAMILIES
from engine.backbones.huggingface import load_backbone
from engine.backbones.nano import train_tokenizer

CPU = torch.device("cpu")
IDS = torch.tensor([[5, 6, 7, 8], [9, 9, 4, 3]])
KINDS = ["lora", "dora", "loha", "lokr", "oft", "ia3"]
CHOICE = {
    "lora": "lora/both/3",
    "dora": "dora/both/2",
    "loha": "loha/both/2",
    "lokr": "lokr/both/2",
    "oft": "oft/both/4",
    "ia3": "ia3/both/1",
}


def choices(*texts: str) -> tuple[LayerChoice, ...]:
    return tuple(LayerChoice.model_validate(text) for text in texts)


def tiny(checkpoint: Callable[[str], Path], family: str = "llama") -> Backbone:
    """A frozen model of two layers."""
    return load_backbone("mine", checkpoint(family), CPU)


def untrained(config: PreTrainedConfig) -> Backbone:
    """A model of any config, with random weights."""
    torch.manual_seed(0)
    model = AutoModel.from_config(config).eval()
    return Backbone("deep", "deep", model, train_tokenizer(["a"], 300), FAMILIES.get(config.model_type))


def states(backbone: Backbone) -> Tensor:
    """What the model gives for ``IDS``: `2 x 4 x d_model`."""
    with torch.no_grad():
        return backbone.model(input_ids=IDS).last_hidden_state


def stir(model: nn.Module, seed: int = 1) -> None:
    """Move all trainable weights, as training would."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
