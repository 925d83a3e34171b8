"""Batches of the joint stage: the backbone's short windows, each with the longer history that the CF model reads."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.collaborative.batches import SequenceBatch, window_batch
from engine.collaborative.model import CollaborativeModel
from engine.data.sequences import Sequences
from engine.methods.darec.injection import CollaborativeView
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

    def edges(self, padding: int) -> Tensor:
        """`n x 2`: the (user, item) pairs that the batch must predict."""
        rows, places = (self.short.targets != padding).nonzero(as_tuple=True)
        users = torch.from_numpy(self.short.windows.users).to(rows.device)
        return torch.stack([users[rows], self.short.targets[rows, places]], dim=1)


def view_of(
    network: CollaborativeModel, items: Tensor, lengths: Tensor, vectors: Tensor, offsets: Tensor, length: int
) -> CollaborativeView:
    """What the CF model says at the last ``length`` items or fewer of each history.

    Args:
        items, lengths: the histories that the CF model reads, as for ``CollaborativeModel.states``.
        vectors: what its ``catalogue`` gave.
        offsets: `batch`, position of the backbone's first item within ``items``.
    """
    states = network.states(items, lengths, vectors)
    has_before = offsets > 0
    before = states[torch.arange(len(states), device=states.device), (offsets - 1).clamp(min=0)]
    return CollaborativeView(vectors, take_window(states, offsets, length), before * has_before[:, None], has_before)


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
