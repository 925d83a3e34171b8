"""Batches of item sequences for the collaborative models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.data.sequences import Sequences
from engine.evaluation.evaluator import History
from engine.methods.method import EpochBatches
from engine.training.windows import Windows, by_length, cut_windows, epoch_generator, pad_right


@dataclass(frozen=True)
class SequenceBatch:
    """Training windows: the item at ``targets[b, k]`` follows ``inputs[b, k]``; padding holds the number of items.

    Attributes:
        inputs, targets: `batch x length`.
        lengths: `batch`.
        windows: where they were cut.
        key: (stage, epoch, batch), for chance that belongs to this batch.
    """

    inputs: Tensor
    targets: Tensor
    lengths: Tensor
    windows: Windows
    key: tuple[int, int, int]

    def share(self, rank: int, size: int) -> "SequenceBatch | None":
        """Rows ``rank``, ``rank + size``, ...: what one of several processes takes; None if there are none."""
        rows = np.arange(rank, len(self.lengths), size)
        if not len(rows):
            return None
        part = slice(rank, None, size)
        return SequenceBatch(self.inputs[part], self.targets[part], self.lengths[part], self.windows.take(rows), self.key)


def window_batch(
    sequences: Sequences, windows: Windows, padding: int, device: torch.device, key: tuple[int, int, int]
) -> SequenceBatch:
    """The batch of ``windows``."""
    bounds = list(zip(windows.users, windows.starts, windows.stops, strict=True))
    length = int((windows.stops - windows.starts).max())
    inputs = pad_right([sequences[int(user)][start:stop] for user, start, stop in bounds], length, padding)
    targets = pad_right([sequences[int(user)][start + 1 : stop + 1] for user, start, stop in bounds], length, padding)
    lengths = torch.from_numpy(windows.stops - windows.starts)
    return SequenceBatch(
        torch.from_numpy(inputs).to(device), torch.from_numpy(targets).to(device), lengths.to(device), windows, key
    )


def window_epoch(
    sequences: Sequences, length: int, batch_size: int, padding: int, device: torch.device, key: tuple[int, int, int]
) -> EpochBatches:
    """The batches of one epoch; ``key`` is (seed, stage, epoch)."""
    seed, stage, epoch = key
    generator = epoch_generator(seed, stage, epoch)
    windows = cut_windows(sequences, length, generator)
    batches = by_length(windows, batch_size, generator)

    def make(batch: int) -> SequenceBatch:
        return window_batch(sequences, windows.take(batches[batch]), padding, device, (stage, epoch, batch))

    return EpochBatches(len(batches), make)


def history_batch(histories: Sequence[History], window: int, padding: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The last ``window`` items of each history: `batch x length` and lengths `batch`. An empty one becomes one padding item."""
    recent = [history[-window:] for history in histories]
    lengths = np.array([max(len(history), 1) for history in recent], dtype=np.int64)
    table = pad_right(recent, int(lengths.max()), padding)
    return torch.from_numpy(table).to(device), torch.from_numpy(lengths).to(device)
