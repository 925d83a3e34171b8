"""Batches of the joint stage: the backbone's short windows, each with the longer history that the CF model reads."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.collaborative.batches import SequenceBatch, window_batch
from engine.data.sequences import Sequences
from engine.methods.method import EpochBatches
from engine.training.windows import Windows, by_length, cut_windows, epoch_generator


@dataclass(frozen=True)
class JointBatch:
    """Windows for both models.

    Attributes:
        short: the backbone's windows; every position is supervised.
        long: the CF model's inputs, which end where the short ones end.
        offsets: `batch`, position of the short window's first item within the long one.
    """

    short: SequenceBatch
    long: SequenceBatch
    offsets: Tensor

    def align(self, states: Tensor) -> Tensor:
        """The CF states at the short window's items: `batch x length of long x d` to `batch x length of short x d`."""
        return take_window(states, self.offsets, self.short.inputs.shape[1])


def take_window(states: Tensor, offsets: Tensor, length: int) -> Tensor:
    """``length`` positions of each row from ``offsets`` on; positions behind the end repeat the last one (they are padding)."""
    places = offsets[:, None] + torch.arange(length, device=states.device)
    places = places.clamp(max=states.shape[1] - 1)
    return torch.gather(states, 1, places[:, :, None].expand(-1, -1, states.shape[2]))


def joint_epoch(
    sequences: Sequences, windows: tuple[int, int], batch_size: int, padding: int, device: torch.device, key: tuple[int, int, int]
) -> EpochBatches:
    """The batches of one epoch.

    Args:
        windows: longest short and long window.
        key: (seed, stage, epoch).
    """
    seed, stage, epoch = key
    generator = epoch_generator(seed, stage, epoch)
    cut = cut_windows(sequences, windows[0], generator)
    batches = by_length(cut, batch_size, generator)

    def make(batch: int) -> JointBatch:
        chosen = cut.take(batches[batch])
        starts = np.maximum(chosen.stops - windows[1], 0)
        long = Windows(chosen.users, np.minimum(starts, chosen.starts), chosen.stops)
        batch_key = (stage, epoch, batch)
        return JointBatch(
            window_batch(sequences, chosen, padding, device, batch_key),
            window_batch(sequences, long, padding, device, batch_key),
            torch.from_numpy(chosen.starts - long.starts).to(device),
        )

    return EpochBatches(len(batches), make)
