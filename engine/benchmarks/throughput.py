"""Supervised targets per second: DARec's joint step against prompt-per-target fine-tuning of the same backbone.

Both sides see the same windows of the same users, the same titles cut to the same number of tokens, the same LoRA, number format
and threads, one after the other in one process. DARec's side is timed before and after the other, so that a machine that grows
slower favours neither. Batches are made within the time on both sides; the first steps are not counted.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.backbones.huggingface import load_backbone
from engine.benchmarks.prompts import Pace, prompts_of, train_on_prompts
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import UserError
from engine.methods import METHODS
from engine.methods.darec.layout import item_texts
from engine.methods.darec.spec import DarecSpec
from engine.methods.method import Context, Stage
from engine.spec import RunSpec
from engine.training.device import choose_device, compute_exactly, set_threads
from engine.training.windows import cut_windows, epoch_generator

WARM_UP_STEPS = 2


@dataclass(frozen=True)
class ThroughputSize:
    """How much is measured.

    Attributes:
        seconds: for each side.
        batch: prompts in a step of the other side.
        rank: of LoRA, on attention and MLP of every layer, on both sides.
    """

    seconds: float = 20.0
    batch: int = 16
    rank: int = 8

    def __post_init__(self) -> None:
        for name in ("seconds", "batch", "rank"):
            if getattr(self, name) <= 0:
                raise UserError(f"--{name} {getattr(self, name)}: must be more than 0.")


def throughput_bench(
    spec: RunSpec, version: Version, folder: Path, size: ThroughputSize, say: Callable[[str], None]
) -> dict[str, float]:
    """Targets per second of both sides and their ratio: ``{"ours", "peft", "ratio"}``.

    Args:
        spec: of ``darec``; its architecture should be LoRA of ``size.rank`` in all layers.
        folder: for what both sides write.
    """
    method = spec.method
    if not isinstance(method, DarecSpec):
        raise UserError(f"The throughput benchmark is about darec, got {method.id}.", "Use --preset darec-nano.")
    threads = set_threads(spec.training.threads)
    split, device = leave_one_out(version), choose_device(spec.training.device)
    compute_exactly(device)
    torch.manual_seed(spec.training.seed)
    context = Context(spec, version, split, device, folder, lambda event: None)
    stage = METHODS.get("darec").load()(context).stages()[-1]
    batches = _batches(stage)
    first = _train(stage, batches, spec, size.seconds / 2)

    source = method.backbone if method.backbone != "nano" else folder / "backbone"
    backbone = load_backbone(method.backbone, source, torch.device("cpu"))
    tokens = backbone.encode(item_texts(version.items, method.text.attributes), method.text.max_item_tokens)
    windows = cut_windows(split.train, method.text.window, epoch_generator(spec.training.seed, 1, 0))
    prompts = prompts_of(backbone, split.train, windows, tokens)
    theirs = train_on_prompts(
        source,
        backbone.family,
        prompts,
        rank=size.rank,
        batch_size=size.batch,
        seconds=size.seconds,
        bf16=method.precision == "bf16",
        folder=folder / "trainer",
    )
    shutil.rmtree(folder / "trainer", ignore_errors=True)

    second = _train(stage, batches, spec, size.seconds / 2)
    ours = Pace(first.targets + second.targets, 0, first.seconds + second.seconds)
    mean = prompts.sizes().mean()
    say(
        f"{version.counts.users:,} users, {version.counts.items:,} items, windows of up to {method.text.window} items, "
        f"{threads} thread(s), {method.precision}, LoRA of rank {size.rank}"
    )
    say(
        f"DARec's joint step: {ours.targets_per_second:,.1f} targets/s ({ours.targets:,} in {ours.seconds:.1f} s; before and "
        f"after: {first.targets_per_second:,.1f}, {second.targets_per_second:,.1f})"
    )
    say(
        f"a prompt per target, Trainer and PEFT: {theirs.targets_per_second:,.1f} targets/s ({theirs.targets:,} in "
        f"{theirs.seconds:.1f} s), {theirs.tokens_per_second:,.0f} tokens/s, prompts of {mean:.0f} tokens on average, "
        f"{size.batch} in a step"
    )
    return {
        "ours": round(ours.targets_per_second, 2),
        "peft": round(theirs.targets_per_second, 2),
        "ratio": round(ours.targets_per_second / theirs.targets_per_second, 2),
    }


def _batches(stage: Stage) -> Iterator[Any]:
    epoch = 0
    while True:
        yield from stage.epoch(epoch).starting_at(0)
        epoch += 1


def _train(stage: Stage, batches: Iterator[Any], spec: RunSpec, seconds: float) -> Pace:
    """Steps as the trainer makes them, for ``seconds`` after the warm-up."""
    optimizer = torch.optim.AdamW([{"params": group.parameters, "lr": group.learning_rate} for group in stage.groups])
    parameters = [parameter for group in stage.groups for parameter in group.parameters]
    stage.module.train()
    targets, step, begin = 0, 0, time.perf_counter()
    while True:
        loss = stage.loss(next(batches))
        optimizer.zero_grad(set_to_none=True)
        loss.value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, spec.training.clip)
        float(loss.value.detach())
        optimizer.step()
        step += 1
        if step <= WARM_UP_STEPS:
            begin = time.perf_counter()
            continue
        targets += loss.targets
        elapsed = time.perf_counter() - begin
        if elapsed >= seconds:
            return Pace(targets, 0, elapsed)
