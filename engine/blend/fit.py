"""Weights of a blended score: multinomial logistic regression on the targets of some users (stacking, Wolpert, 1992)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

RIDGE = 1e-4
ITERATIONS = 60
AT_ONCE = 128


@dataclass(frozen=True, eq=False)
class Examples:
    """Users to fit on.

    Attributes:
        parts: `parts x users x items`.
        removed: bool, `users x items`: no candidates.
        targets: int64, `users`.
    """

    parts: Tensor
    removed: Tensor
    targets: Tensor


def fit_weights(examples: Examples, start: Sequence[float], check_stop: Callable[[], None]) -> Tensor:
    """The weights `parts` that make the targets most likely under a softmax over the candidates.

    Minimises the mean cross-entropy plus ``RIDGE`` times the squares of weight times spread. A part that does not tell items
    apart for anyone keeps weight 0.
    """
    spread = examples.parts.std(dim=2).mean(dim=1)
    usable = spread > 1e-6 * spread.max().clamp(min=torch.finfo(spread.dtype).tiny)
    scale = torch.where(usable, spread, torch.ones_like(spread))
    first = torch.tensor(start, dtype=spread.dtype, device=spread.device)
    # in units of spread, so that one step suits all; at the start as strong as a z-score
    first = first * scale / (first * scale).abs().max().clamp(min=1.0)
    weights = (first * usable).requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        check_stop()
        optimizer.zero_grad()
        loss = RIDGE * weights.square().sum()
        loss.backward()
        total = loss.detach()
        users = len(examples.targets)
        for begin in range(0, users, AT_ONCE):
            rows = slice(begin, begin + AT_ONCE)
            part = _cross_entropy(examples, rows, weights * usable / scale) / users
            part.backward()
            total = total + part.detach()
        return total

    optimizer.step(closure)
    return (weights.detach() * usable / scale).clone()


def _cross_entropy(examples: Examples, rows: slice, weights: Tensor) -> Tensor:
    scores = torch.einsum("p,pui->ui", weights, examples.parts[:, rows])
    scores = scores.masked_fill(examples.removed[rows], -torch.inf)
    return functional.cross_entropy(scores, examples.targets[rows], reduction="sum")
