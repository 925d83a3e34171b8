"""``nano``: a small Llama-style model with a byte-level BPE of its own, made from the catalogue's text in seconds.

It knows nothing of the world: it exists so that everything works offline, on a CPU.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

from engine.backbones.plain_tokens import encode_plain
from engine.backbones.spec import NANO_POSITIONS, NanoSpec
from engine.cache import cached, make_room, recipe_hash
from engine.seal import require_unchanged, seal

START, PADDING = "<|start|>", "<|padding|>"
_BATCH, _LENGTH, _RATE = 16, 96, 3e-3


def nano_folder(
    spec: NanoSpec, texts: list[str], seed: int, on_step: Callable[[int, int], None] = lambda done, total: None
) -> Path:
    """The folder of the nano made from ``texts``, in the format of transformers; from the cache if it was made before.

    Args:
        texts: the catalogue's texts, one an item.
        on_step: told (steps done, steps in all) of the language-model warm-up; may raise to stop.
    """
    folder = cached("nano", recipe_hash(1, spec.model_dump(), seed, texts))
    if (folder / "model.safetensors").is_file():
        require_unchanged(folder)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        tokenizer = train_tokenizer(texts, spec.vocabulary)
        model = _warm_up(spec, tokenizer, texts, seed, on_step)
        logging.disable_progress_bar()
        tokenizer.save_pretrained(temporary)
        model.save_pretrained(temporary)
        seal(temporary)
        if not folder.exists():
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    make_room()
    return folder


def train_tokenizer(texts: list[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of at most ``vocabulary`` tokens; any text can be encoded, and comes back unchanged."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[START, PADDING],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=START, pad_token=PADDING)


def nano_config(spec: NanoSpec, tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """The model that ``spec`` asks for, with the vocabulary of ``tokenizer``."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.dimensions,
        intermediate_size=3 * spec.dimensions,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        max_position_embeddings=NANO_POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=None,
    )


def _warm_up(
    spec: NanoSpec, tokenizer: PreTrainedTokenizerFast, texts: list[str], seed: int, on_step: Callable[[int, int], None]
) -> LlamaForCausalLM:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(nano_config(spec, tokenizer))
        optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.1)
        stream = _token_stream(tokenizer, texts)
        generator = np.random.default_rng(seed)
        for step in range(spec.warmup_steps):
            on_step(step, spec.warmup_steps)
            batch = _shuffled_batch(stream, generator)
            for group in optimizer.param_groups:
                group["lr"] = _RATE * min(1.0, (step + 1) / 20) * (1 - step / spec.warmup_steps)
            loss = model(input_ids=batch, labels=batch).loss
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    model.eval()
    return model


def _token_stream(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[list[int]]:
    return [[int(tokenizer.bos_token_id), *ids] for ids in encode_plain(tokenizer, texts)]


def _shuffled_batch(stream: list[list[int]], generator: np.random.Generator) -> torch.Tensor:
    """`_BATCH x _LENGTH` ids: texts in random order, one behind the other, each opened by the start token."""
    rows = []
    for _ in range(_BATCH):
        row: list[int] = []
        while len(row) < _LENGTH:
            row += stream[int(generator.integers(len(stream)))]
        rows.append(row[:_LENGTH])
    return torch.tensor(rows)
