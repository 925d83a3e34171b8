"""Losses over scores ``<state, item vector>``."""

import torch
from torch import Tensor
from torch.nn import functional


def softmax_loss(states: Tensor, item_vectors: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of a softmax over the whole catalogue, mean over targets.

    Args:
        states: `targets x d_model`.
        item_vectors: `items x d_model`.
        targets: `targets`, item indexes.
    """
    return functional.cross_entropy(states @ item_vectors.T, targets)


def binary_loss(states: Tensor, item_vectors: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """Binary cross-entropy of each target against its sampled negatives, as in the SASRec paper, mean over targets.

    Args:
        states: `targets x d_model`.
        item_vectors: `items x d_model`.
        targets: `targets`, item indexes.
        negatives: `targets x n`, item indexes; those that equal the target count nothing.
    """
    positive, negative = _scores(states, item_vectors, targets, negatives)
    counts = (negatives != targets[:, None]).to(negative.dtype)
    return (functional.softplus(-positive) + (functional.softplus(negative) * counts).sum(dim=1)).mean()


def generalised_binary_loss(
    states: Tensor, item_vectors: Tensor, targets: Tensor, negatives: Tensor, calibration: float
) -> Tensor:
    """gBCE of gSASRec (Petrov and Macdonald, 2023, arXiv 2308.07192), mean over targets.

    ``-1 / (k + 1) * (beta * log sigmoid(s+) + sum over k negatives of log(1 - sigmoid(s-)))``, with
    ``beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)`` and the sampling rate ``alpha = k / (items - 1)``. With t = 0 it is
    binary cross-entropy, overconfident where negatives are few; with t = 1 (beta = alpha) sigmoid(s) estimates the true chance.
    ``log sigmoid`` is taken as ``-softplus(-s)``, so no large score overflows.

    Args:
        states, item_vectors, targets, negatives: as for ``binary_loss``; k is n, with negatives that equal the target.
        calibration: t, 0 to 1.
    """
    count = negatives.shape[1]
    alpha = min(count / max(len(item_vectors) - 1, 1), 1.0)
    beta = calibration * (alpha - 1) + 1
    positive, negative = _scores(states, item_vectors, targets, negatives)
    counts = (negatives != targets[:, None]).to(negative.dtype)
    against = (functional.softplus(negative) * counts).sum(dim=1)
    return ((beta * functional.softplus(-positive) + against) / (count + 1)).mean()


def pairwise_loss(states: Tensor, item_vectors: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """BPR (Rendle et al., 2009, arXiv 1205.2618): ``-log sigmoid(score of the target - score of a negative)``, mean over both.

    Args:
        states: `targets x d_model`, states or user vectors.
        item_vectors, targets, negatives: as for ``binary_loss``; a negative that equals the target pulls at nothing.
    """
    positive, negative = _scores(states, item_vectors, targets, negatives)
    return functional.softplus(negative - positive[:, None]).mean()


def _scores(states: Tensor, item_vectors: Tensor, targets: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of the targets, `targets`, and of the negatives, `targets x n`, the way that takes less memory."""
    positive = (states * item_vectors[targets]).sum(dim=1)
    if len(item_vectors) <= negatives.shape[1] * states.shape[1]:
        return positive, (states @ item_vectors.T).gather(1, negatives)
    return positive, torch.einsum("td,tnd->tn", states, item_vectors[negatives])
