"""The rank of a target among all scores: the one number per user that every ranking metric is made of."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError

_CACHED = 1 << 16


def mid_ranks(scores: Tensor, targets: Tensor, removed: Tensor | None = None) -> Tensor:
    """0-based mid-ranks: the number of candidates scored higher, plus half of the number of others scored equal.

    Args:
        scores: `batch x items`, higher is better. Changed in place: removed candidates become minus infinity.
        targets: `batch`, index of each row's target, which is never removed.
        removed: `n x 2`, pairs (row, item) that are no candidates; may name the target, may repeat.

    Returns:
        `batch`, float64, from 0 to ``items - 1``.

    Raises:
        EngineError: a candidate's score is not a number, so that no order exists.
    """
    rows = torch.arange(len(scores), device=scores.device)
    target_scores = scores[rows, targets].clone()
    if removed is not None:
        scores[removed[:, 0], removed[:, 1]] = -torch.inf
        scores[rows, targets] = target_scores
    if scores.device.type == "cpu":
        return torch.from_numpy(_mid_ranks_on_cpu(scores.numpy(), target_scores.numpy()))
    if torch.isnan(scores).any():
        raise _no_order()
    higher = (scores > target_scores[:, None]).sum(dim=1)
    equal = (scores == target_scores[:, None]).sum(dim=1) - 1
    return higher.double() + 0.5 * equal.double()


def _mid_ranks_on_cpu(scores: NDArray[np.float32], targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same in pieces that stay in the processor's cache; torch's sum of booleans takes several times as long."""
    rows = max(1, _CACHED // scores.shape[1])
    found = np.empty((rows, scores.shape[1]), bool)
    ranks = np.empty(len(scores), np.float64)
    for start in range(0, len(scores), rows):
        piece, wanted = scores[start : start + rows], targets[start : start + rows, None]
        place = found[: len(piece)]
        if np.isnan(piece.max()):  # a maximum is NaN if one of them is
            raise _no_order()
        np.greater(piece, wanted, out=place)
        ranks[start : start + rows] = [np.count_nonzero(row) for row in place]
        np.equal(piece, wanted, out=place)
        if np.count_nonzero(place) > len(piece):  # some target has another's score, not its own alone
            ranks[start : start + rows] += [(np.count_nonzero(row) - 1) / 2 for row in place]
    return ranks


def _no_order() -> EngineError:
    return EngineError("The model gave scores that are not numbers (NaN).", "Lower training.learning_rate and start again.")
