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
    positive = (states * item_vectors[targets]).sum(dim=1)
    negative = torch.einsum("td,tnd->tn", states, item_vectors[negatives])
    counts = (negatives != targets[:, None]).to(negative.dtype)
    return (functional.softplus(-positive) + (functional.softplus(negative) * counts).sum(dim=1)).mean()


def pairwise_loss(states: Tensor, item_vectors: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """BPR (Rendle et al., 2009, arXiv 1205.2618): ``-log sigmoid(score of the target - score of a negative)``, mean over both.

    Args:
        states: `targets x d_model`, states or user vectors.
        item_vectors: `items x d_model`.
        targets: `targets`, item indexes.
        negatives: `targets x n`, item indexes.
    """
    positive = (states * item_vectors[targets]).sum(dim=1, keepdim=True)
    negative = torch.einsum("td,tnd->tn", states, item_vectors[negatives])
    return functional.softplus(negative - positive).mean()
