"""What the causal networks are asked: a batch of histories, and whether later items or padding move a state."""

import numpy as np
import torch
from torch import Tensor

from engine.collaborative.batches import history_batch
from engine.collaborative.model import CollaborativeModel

ITEMS = 30
LENGTHS = (12, 3, 7, 1)


def batch_of(model: CollaborativeModel, lengths: tuple[int, ...] = LENGTHS) -> tuple[Tensor, Tensor]:
    """Histories of these lengths, equal items at equal places whatever else is in the batch."""
    histories = [np.random.default_rng(length).integers(0, ITEMS, length).astype(np.int32) for length in lengths]
    return history_batch(histories, model.window, ITEMS, torch.device("cpu"))


@torch.no_grad()
def assert_causal(model: CollaborativeModel) -> None:
    """Other later items, or none, leave each state as it is, and another item at a place changes the state there."""
    model.eval()
    items, lengths = batch_of(model, LENGTHS[:1])
    vectors = model.catalogue()
    before = model.states(items, lengths, vectors)
    for place in range(1, int(lengths[0])):
        changed = items.clone()
        changed[:, place:] = (items[:, place:] + 11) % ITEMS
        after = model.states(changed, lengths, vectors)
        torch.testing.assert_close(after[:, :place], before[:, :place], atol=1e-6, rtol=1e-5)
        assert (after[:, place] - before[:, place]).abs().max() > 1e-4
        shorter = model.states(items[:, :place], torch.tensor([place]), vectors)
        torch.testing.assert_close(shorter, before[:, :place], atol=1e-6, rtol=1e-5)


@torch.no_grad()
def assert_padding_counts_nothing(model: CollaborativeModel) -> None:
    """A history's states are those that it has alone, however long the others of its batch are."""
    model.eval()
    vectors = model.catalogue()
    together = model.states(*batch_of(model), vectors)
    for row, length in enumerate(LENGTHS):
        alone = model.states(*batch_of(model, (length,)), vectors)
        torch.testing.assert_close(together[row, :length], alone[0], atol=1e-6, rtol=1e-5)
