"""A backbone without its weights: tokenizer, family and sizes are the real ones, the model only knows its shape.

It is made in a moment and holds no memory: enough to see what a backbone would read, without reading anything with it.
"""

import torch
from transformers import AutoModel, PreTrainedConfig, PreTrainedTokenizerBase

from engine.backbones.backbone import Backbone
from engine.backbones.families import FAMILIES
from engine.backbones.huggingface import read_config, read_tokenizer
from engine.backbones.nano import nano_config, train_tokenizer
from engine.backbones.spec import NanoSpec


def weightless_backbone(name: str, nano: NanoSpec, texts: list[str]) -> Backbone:
    """The backbone that a spec names; ``nano`` gets the tokenizer that it would be made with from ``texts``.

    Raises UserError as ``engine.backbones.huggingface.load_backbone`` does, but for weights, which nobody looks at.
    """
    if name == "nano":
        tokenizer = train_tokenizer(texts, nano.vocabulary)
        return _described(name, nano_config(nano, tokenizer), tokenizer)
    return _described(name, read_config(name), read_tokenizer(name))


def _described(name: str, config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> Backbone:
    with torch.device("meta"):
        model = AutoModel.from_config(config, attn_implementation="sdpa")
    return Backbone(name, f"{name} without weights", model, tokenizer, FAMILIES.get(config.model_type))
