"""What a whole evaluation's scoring costs beside the bare matrix product of states and item vectors.

Scoring is all from the last states to what metrics are made of: the product, the removal of seen items, the ranks of the targets
among all items, and the lists of the best 20. Making the states is the method's own cost and is in neither figure.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from torch import Tensor

from engine.errors import UserError
from engine.evaluation.evaluator import History, rank_batch
from engine.evaluation.metrics import LONGEST_LIST

_LONGEST_HISTORY = 60


@dataclass(frozen=True)
class RankingSize:
    """What is scored.

    Attributes:
        users, items, dimensions: how many, and the size of states and vectors.
        batch: users scored at once.
        repetitions: measurements of each side, one after the other in turn; the median counts.
    """

    users: int = 4096
    items: int = 12_000
    dimensions: int = 64
    batch: int = 256
    repetitions: int = 7

    def __post_init__(self) -> None:
        for name in ("users", "items", "dimensions", "batch", "repetitions"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name} {getattr(self, name)}: must be 1 or more.")


def ranking_bench(size: RankingSize, threads: int, say: Callable[[str], None]) -> dict[str, float]:
    """Seconds of both sides, and the median ratio of neighbouring measurements: ``{"ours", "bare", "ratio"}``."""
    torch.set_num_threads(threads)
    generator = np.random.default_rng(0)
    states = _floats(generator, size.users, size.dimensions)
    vectors = _floats(generator, size.items, size.dimensions)
    targets = torch.from_numpy(generator.integers(0, size.items, size=size.users))
    lengths = generator.integers(2, _LONGEST_HISTORY + 1, size=size.users)
    histories = [generator.integers(0, size.items, size=length, dtype=np.int32) for length in lengths]
    ours, bare = [], []
    for repetition in range(size.repetitions + 1):
        whole = _seconds(lambda: _scored(states, vectors, histories, targets, size.batch))
        product = _seconds(lambda: _product(states, vectors, size.batch))
        if repetition:  # the first is a warm-up
            ours.append(whole)
            bare.append(product)
    ratio = median(one / other for one, other in zip(ours, bare, strict=True))
    say(
        f"{size.users:,} users x {size.items:,} items, {size.dimensions} dimensions, {threads} thread(s), {size.batch} users at "
        f"once: product, removal, ranks and lists in {median(ours):.3f} s, bare product in {median(bare):.3f} s (processor time, "
        f"medians of {size.repetitions})"
    )
    return {"ours": round(median(ours), 4), "bare": round(median(bare), 4), "ratio": round(ratio, 3)}


def _scored(states: Tensor, vectors: Tensor, histories: list[History], targets: Tensor, batch: int) -> None:
    length = min(LONGEST_LIST, len(vectors))
    for start in range(0, len(states), batch):
        chosen = slice(start, start + batch)
        rank_batch(states[chosen] @ vectors.T, targets[chosen], histories[chosen], length)


def _product(states: Tensor, vectors: Tensor, batch: int) -> None:
    for start in range(0, len(states), batch):
        states[start : start + batch] @ vectors.T


def _seconds(work: Callable[[], None]) -> float:
    """Processor seconds of this process: on one thread those of the clock, but for what other processes take away."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _floats(generator: np.random.Generator, rows: int, columns: int) -> Tensor:
    return torch.from_numpy(generator.standard_normal((rows, columns), dtype=np.float32))
