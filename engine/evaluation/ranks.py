"""The rank of a target among all scores: the one number per user that every ranking metric is made of."""

import torch
from torch import Tensor

from engine.errors import EngineError


def mid_ranks(scores: Tensor, targets: Tensor, removed: Tensor | None = None) -> Tensor:
    """0-based mid-ranks: the number of candidates scored higher, plus half of the number of others scored equal.

    Args:
        scores: `batch x items`, higher is better. Changed in place: removed candidates become minus infinity.
        targets: `batch`, index of each row's target, which is never removed.
        removed: `n x 2`, pairs (row, item) that are no candidates; may name the target, may repeat.

    Returns:
        `batch`, float64, from 0 to ``items - 1``.

    Raises:
        EngineError: a score is not a number, so that no order exists.
    """
    if torch.isnan(scores).any():
        raise EngineError("The model gave scores that are not numbers (NaN).", "Lower training.learning_rate and start again.")
    rows = torch.arange(len(scores), device=scores.device)
    target_scores = scores[rows, targets].clone()
    if removed is not None:
        scores[removed[:, 0], removed[:, 1]] = -torch.inf
        scores[rows, targets] = target_scores
    higher = (scores > target_scores[:, None]).sum(dim=1)
    equal = (scores == target_scores[:, None]).sum(dim=1) - 1
    return higher.double() + 0.5 * equal.double()
