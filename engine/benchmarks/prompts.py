"""Prompt-per-target fine-tuning, as people do it with transformers and PEFT: the other side of the throughput benchmark.

Each supervised target is a sequence of its own: the titles of the items before it, then its title as the label (the shape of
TALLRec, arXiv 2305.00447, and LLaRA, arXiv 2312.02445, without their instructions). transformers' Trainer, PEFT's LoRA,
batches of about equal length, padded to their longest; the language-model head over all positions, as the library computes it.
"""

import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model
from torch import Tensor
from torch.utils.data import Dataset
from transformers import AutoModelForCausalLM, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from engine.backbones.backbone import Backbone
from engine.backbones.families import Family
from engine.data.sequences import Sequences
from engine.training.windows import POOL, Windows

IGNORED = -100


@dataclass(frozen=True)
class Pace:
    """What was trained in how many seconds; ``tokens`` counts real ones, without padding."""

    targets: int
    tokens: int
    seconds: float

    @property
    def targets_per_second(self) -> float:
        """Supervised targets per second."""
        return self.targets / self.seconds

    @property
    def tokens_per_second(self) -> float:
        """Real tokens per second, forward and backward."""
        return self.tokens / self.seconds


class Prompts(Dataset[tuple[list[int], int]]):
    """A prompt for every target of the windows.

    Args:
        tokens: ids of each item's title.
        opening: ids in front of every prompt.
        separator: ids behind every title of the history.
    """

    def __init__(
        self, sequences: Sequences, windows: Windows, tokens: list[list[int]], opening: list[int], separator: list[int]
    ) -> None:
        self.sequences, self.tokens, self.opening, self.separator = sequences, tokens, opening, separator
        self.bounds = [
            (int(user), int(start), target)
            for user, start, stop in zip(windows.users, windows.starts, windows.stops, strict=True)
            for target in range(int(start) + 1, int(stop) + 1)
        ]

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitem__(self, index: int) -> tuple[list[int], int]:
        """The ids of prompt and label, and how many of them are the label."""
        user, start, target = self.bounds[index]
        sequence = self.sequences[user]
        ids = list(self.opening)
        for item in sequence[start:target]:
            ids += self.tokens[int(item)] + self.separator
        label = self.tokens[int(sequence[target])]
        return ids + label, len(label)

    def sizes(self) -> NDArray[np.int64]:
        """The number of tokens of each prompt, label included."""
        lengths = np.array([len(ids) for ids in self.tokens], dtype=np.int64)
        sizes = []
        for user, start, target in self.bounds:
            items = self.sequences[user][start : target + 1]
            sizes.append(len(self.opening) + int(lengths[items].sum()) + len(self.separator) * (target - start))
        return np.array(sizes, dtype=np.int64)


def collate(rows: list[tuple[list[int], int]]) -> dict[str, Tensor]:
    """A batch padded on the right to its longest prompt; only the label is supervised."""
    length = max(len(ids) for ids, _ in rows)
    batch = {name: torch.full((len(rows), length), value) for name, value in (("input_ids", 0), ("labels", IGNORED))}
    batch["attention_mask"] = torch.zeros(len(rows), length, dtype=torch.long)
    for row, (ids, label) in enumerate(rows):
        batch["input_ids"][row, : len(ids)] = torch.tensor(ids)
        batch["labels"][row, len(ids) - label : len(ids)] = torch.tensor(ids[-label:])
        batch["attention_mask"][row, : len(ids)] = 1
    return batch


def train_on_prompts(
    source: str | Path, family: Family, prompts: Prompts, *, rank: int, batch_size: int, seconds: float, bf16: bool, folder: Path
) -> Pace:
    """Fine-tune the causal language model at ``source`` for ``seconds`` after two steps of warm-up; what it managed in them.

    Args:
        rank: of LoRA on all linear maps of attention and MLP in every layer, alpha twice as much.
        folder: for what the Trainer writes.
    """
    base = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, use_safetensors=True)  # nosec B615  # named by whoever measures
    names = [name.rpartition(".")[2] for name in family.attention + family.mlp]
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules=names, task_type="CAUSAL_LM", fan_in_fan_out=family.transposed
    )
    with warnings.catch_warnings():
        # peft 0.21.2 asks for a property that transformers 5.23 has renamed; nothing of ours hangs on it
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        model = get_peft_model(base, config)
    clock = _Clock(seconds)
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=batch_size,
        learning_rate=1e-3,
        max_grad_norm=5.0,
        num_train_epochs=1000,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = _Trainer(model=model, args=arguments, train_dataset=prompts, data_collator=collate, callbacks=[clock])
    trainer.remove_callback(PrinterCallback)  # it writes to standard output
    trainer.clock, trainer.batches = clock, _length_batches(prompts.sizes(), batch_size)
    trainer.train()
    return Pace(clock.targets, clock.tokens, clock.seconds)


def _length_batches(sizes: NDArray[np.int64], batch_size: int) -> list[int]:
    """The order of an epoch: pools sorted by length and cut into batches, the batches in random order.

    transformers' own ``group_by_length`` does the same but begins each pool with its longest batches, which a measurement of some
    seconds would take for all of them.
    """
    generator = np.random.default_rng(0)
    order = generator.permutation(len(sizes))
    batches = []
    for start in range(0, len(order), POOL * batch_size):
        pool = order[start : start + POOL * batch_size]
        pool = pool[np.argsort(sizes[pool], kind="stable")]
        batches += [pool[first : first + batch_size] for first in range(0, len(pool) - batch_size + 1, batch_size)]
    if not batches:
        return [int(index) for index in order]
    return [int(index) for chosen in generator.permutation(len(batches)) for index in batches[chosen]]


@dataclass
class _Clock(TrainerCallback):
    """Counts what is trained, from the third step on, and stops when time is up."""

    limit: float
    targets: int = 0
    tokens: int = 0
    seconds: float = 0.0
    _begin: float = field(default=0.0)
    _warm_up: int = field(default=2)

    def count(self, inputs: dict[str, Any]) -> None:
        """Count a batch that is about to be trained on."""
        if self._warm_up == 0:
            self.targets += len(inputs["input_ids"])
            self.tokens += int(inputs["attention_mask"].sum())

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look at the clock."""
        if self._warm_up:
            self._warm_up -= 1
            self._begin = time.perf_counter()
            return
        self.seconds = time.perf_counter() - self._begin
        if self.seconds >= self.limit:
            control.should_training_stop = True


class _Trainer(Trainer):
    clock: _Clock
    batches: list[int]

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self.batches

    def compute_loss(self, model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
        self.clock.count(inputs)
        return super().compute_loss(model, inputs, *arguments, **options)


def prompts_of(backbone: Backbone, sequences: Sequences, windows: Windows, tokens: list[list[int]]) -> Prompts:
    """The prompts for the windows, in the backbone's tokens; titles are separated by a comma."""
    return Prompts(sequences, windows, tokens, backbone.prefix_ids, backbone.encode([","], 4)[0])
