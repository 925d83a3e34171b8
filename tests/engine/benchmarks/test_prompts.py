"""The other side of the benchmark must be honest: the right prompts, only the label supervised, nothing left out."""

import numpy as np

from engine.benchmarks.prompts import IGNORED, Prompts, _length_batches, collate
from engine.data.sequences import Sequences
from engine.training.windows import Windows

TOKENS = [[10], [11, 12], [13], [14, 15, 16]]


def prompts() -> Prompts:
    sequences = Sequences(np.array([0, 4]), np.array([3, 0, 1, 2], dtype=np.int32))
    windows = Windows(np.array([0]), np.array([1]), np.array([3]))
    return Prompts(sequences, windows, TOKENS, [1], [9])


def test_one_prompt_a_target_with_the_history_of_its_window() -> None:
    made = prompts()
    assert [made[index] for index in range(len(made))] == [([1, 10, 9, 11, 12], 2), ([1, 10, 9, 11, 12, 9, 13], 1)]
    assert made.sizes().tolist() == [5, 7]


def test_only_the_label_is_supervised() -> None:
    batch = collate([prompts()[0], prompts()[1]])
    assert batch["input_ids"].tolist() == [[1, 10, 9, 11, 12, 0, 0], [1, 10, 9, 11, 12, 9, 13]]
    no = IGNORED
    assert batch["labels"].tolist() == [[no, no, no, 11, 12, no, no], [no, no, no, no, no, no, 13]]
    assert batch["attention_mask"].tolist() == [[1] * 5 + [0, 0], [1] * 7]


def test_batches_hold_prompts_of_like_length_in_random_order() -> None:
    sizes = np.random.default_rng(0).integers(1, 400, 1000)
    order = _length_batches(sizes, 10)
    assert sorted(order) == list(range(1000))
    batches = sizes[order].reshape(-1, 10)
    assert (batches.max(axis=1) - batches.min(axis=1)).mean() < 30
    means = batches.mean(axis=1)
    assert abs(means[:20].mean() - sizes.mean()) < 80  # no long ones first
