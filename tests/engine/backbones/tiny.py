"""Tiny real checkpoints of several families, saved as transformers saves them."""

from pathlib import Path

import torch
from transformers import (
    AutoModel,
    BertConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from engine.backbones.nano import train_tokenizer

TEXTS = ["Amber Harbor, part 1", "Amber Harbor, part 2", "Silver Orchard, part 1", "Silver Orchard, part 2"]
_SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
CONFIGS = {
    "llama": lambda size: LlamaConfig(vocab_size=size, max_position_embeddings=256, **_SMALL),
    "qwen2": lambda size: Qwen2Config(vocab_size=size, max_position_embeddings=256, **_SMALL),
    "qwen3": lambda size: Qwen3Config(vocab_size=size, max_position_embeddings=256, head_dim=8, **_SMALL),
    "mistral": lambda size: MistralConfig(vocab_size=size, max_position_embeddings=256, **_SMALL),
    "gpt2": lambda size: GPT2Config(vocab_size=size, n_positions=256, n_embd=32, n_layer=2, n_head=4),
    "bert": lambda size: BertConfig(
        vocab_size=size,
        max_position_embeddings=256,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
    ),
}


def save_tiny(folder: Path, family: str) -> Path:
    """Save a random model of ``family`` with a tokenizer; returns the folder."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer(TEXTS, 400)
    config = CONFIGS[family](len(tokenizer))
    config.bos_token_id, config.eos_token_id, config.pad_token_id = tokenizer.bos_token_id, None, tokenizer.pad_token_id
    model: PreTrainedModel = AutoModel.from_config(config)
    for parameter in model.parameters():  # far from zero, so that a leak cannot hide in small numbers
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
