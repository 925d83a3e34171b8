"""Batches of (user, item) pairs, for models with a vector for each user."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.collaborative.negatives import NegativeSampler
from engine.data.sequences import Sequences
from engine.methods.method import EpochBatches
from engine.training.windows import epoch_generator


@dataclass(frozen=True)
class PairBatch:
    """Training interactions, each with negatives.

    Attributes:
        users: `pairs`, user indexes.
        positives: `pairs`, item indexes.
        negatives: `pairs x n`, indexes of items that the user does not know.
    """

    users: Tensor
    positives: Tensor
    negatives: Tensor


def pair_epoch(
    train: Sequences,
    sampler: NegativeSampler,
    negatives: int,
    batch_size: int,
    device: torch.device,
    key: tuple[int, int, int],
) -> EpochBatches:
    """Every training interaction once, in random order; ``key`` is (seed, stage, epoch)."""
    seed, stage, epoch = key
    order = epoch_generator(seed, stage, epoch).permutation(len(train.items))

    def make(batch: int) -> PairBatch:
        rows = order[batch * batch_size : (batch + 1) * batch_size]
        users = np.searchsorted(train.offsets, rows, side="right") - 1
        drawn = sampler.draw(users, negatives, np.random.default_rng([seed, stage, epoch, batch]))
        columns = (users, train.items[rows].astype(np.int64), drawn)
        return PairBatch(*(torch.from_numpy(column).to(device) for column in columns))

    return EpochBatches(-(-len(order) // batch_size), make)
