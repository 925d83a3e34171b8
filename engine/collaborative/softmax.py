"""Cross-entropy of a softmax over the catalogue: over all items, in chunks, or against sampled items."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.collaborative.losses import softmax_loss
from engine.collaborative.spec import SoftmaxSpec
from engine.data.sequences import Sequences


def catalogue_loss(
    states: Tensor,
    item_vectors: Tensor,
    targets: Tensor,
    settings: SoftmaxSpec,
    generator: np.random.Generator,
    proposal: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of the targets among the catalogue, mean over targets.

    Args:
        states: `targets x d_model`.
        item_vectors: `items x d_model`.
        targets: `targets`, item indexes.
        generator: chance of ``sampled``; unused otherwise.
        proposal: `items`, probabilities that ``sampled`` draws with, all above 0; None draws uniformly.
    """
    items = len(item_vectors)
    if settings.softmax == "chunked":
        return chunked_softmax_loss(states, item_vectors, targets, settings.chunk)
    if settings.softmax == "sampled" and settings.samples < items:
        if proposal is None:
            proposal = torch.full((items,), 1 / items, dtype=states.dtype, device=states.device)
        drawn = draw_items(proposal, settings.samples, generator)
        return sampled_softmax_loss(states, item_vectors, targets, drawn, proposal)
    return softmax_loss(states, item_vectors, targets)


def chunked_softmax_loss(states: Tensor, item_vectors: Tensor, targets: Tensor, chunk: int) -> Tensor:
    """What ``softmax_loss`` gives, but no more than `targets x chunk` scores exist at a time, backward pass included."""
    positive = (states * item_vectors[targets]).sum(dim=1)
    normaliser: Tensor = _StreamingLogSumExp.apply(states, item_vectors, chunk)  # type: ignore[no-untyped-call]
    return (normaliser - positive).mean()


class _StreamingLogSumExp(torch.autograd.Function):
    """``log sum_i exp <state, v_i>`` for each state; the backward pass computes the scores again, chunk by chunk."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, item_vectors: Tensor, chunk: int) -> Tensor:
        total = torch.full((len(states),), -torch.inf, dtype=states.dtype, device=states.device)
        for part in item_vectors.split(chunk):
            total = torch.logaddexp(total, torch.logsumexp(states @ part.T, dim=1))
        ctx.save_for_backward(states, item_vectors, total)
        ctx.chunk = chunk
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        states, item_vectors, total = ctx.saved_tensors
        of_states, of_items = torch.zeros_like(states), torch.empty_like(item_vectors)
        for part, of_part in zip(item_vectors.split(ctx.chunk), of_items.split(ctx.chunk), strict=True):
            shares = (states @ part.T).sub_(total[:, None]).exp_().mul_(gradients[0][:, None])
            of_states.addmm_(shares, part)
            torch.mm(shares.T, states, out=of_part)
        return of_states, of_items, None


def sampled_softmax_loss(states: Tensor, item_vectors: Tensor, targets: Tensor, drawn: Tensor, proposal: Tensor) -> Tensor:
    """Cross-entropy of each target against items drawn for the whole batch, with the logQ correction, mean over targets.

    The target's score stands as it is; an item drawn with probability q is corrected by ``-log(n q)``, and a draw that hits the
    target is left out. So the sum that normalises is right on average: ``E sum_{drawn j != t} exp(s_j) / (n q_j) = sum_{j != t}
    exp(s_j)``; loss and gradient approach those of the full softmax as n grows (Bengio and Senecal, 2008, importance sampling).
    The target is always there, not drawn, and so it takes no correction (see also Khrylchenko et al., 2025, arXiv 2507.09331).

    Args:
        drawn: `n`, item indexes, with replacement.
        proposal: `items`, the probabilities that they were drawn with.
    """
    positive = (states * item_vectors[targets]).sum(dim=1, keepdim=True)
    correction = torch.log(proposal[drawn].to(states.dtype) * len(drawn))
    negative = states @ item_vectors[drawn].T - correction
    negative = negative.masked_fill(drawn == targets[:, None], -torch.inf)
    return (torch.logsumexp(torch.cat([positive, negative], dim=1), dim=1) - positive[:, 0]).mean()


def draw_items(proposal: Tensor, count: int, generator: np.random.Generator) -> Tensor:
    """`count` item indexes, with replacement, by the probabilities ``proposal``, on its device."""
    bounds = proposal.double().cumsum(dim=0)
    points = torch.from_numpy(generator.random(count)).to(bounds.device) * bounds[-1]
    return torch.searchsorted(bounds, points, right=True).clamp(max=len(bounds) - 1)


def training_proposal(train: Sequences, items: int) -> Tensor:
    """`items`: half uniform, half by training popularity, so that negatives are hard, and no item is out of reach."""
    counts = np.bincount(train.items, minlength=items)
    return torch.from_numpy((0.5 / items + 0.5 * counts / max(counts.sum(), 1)).astype(np.float32))
