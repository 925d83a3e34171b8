"""Expected improvement in closed form: what steers the walk through thousands of candidates.

BoTorch's Monte-Carlo acquisition functions decide among the few that remain (``engine.search.acquisition``).
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from engine.search.belief import Belief
from engine.search.layout import Layout, Rows

Score: TypeAlias = Callable[[Rows], Tensor]


def log_improvement(belief: Belief, tried: Rows) -> Score:
    """Log of the expected improvement over the best of ``tried`` by posterior mean, in standardised units."""
    best = belief.expect(tried)[0].max()

    def score(rows: Rows) -> Tensor:
        mean, sd = belief.expect(rows)
        return _log_unit_improvement((mean - best) / sd) + sd.log()

    return score


def log_hypervolume_improvement(belief: Belief, tried: Rows, reference: float) -> Score:
    """Log of the expected hypervolume improvement where the second objective, the size, is known.

    With one uncertain and one known objective the hypervolume is an integral over sizes of the improvement over the best of
    ``tried`` that is no larger, so its expectation is a sum over the steps of that staircase.

    Args:
        reference: value below which nothing counts, standardised; the reference size is the largest allowed.
    """
    layout = belief.layout
    means = belief.expect(tried)[0]
    sizes = sizes_of(layout, tried)
    edges, order = torch.unique(sizes, sorted=True), torch.argsort(sizes)
    running = torch.cummax(means[order], dim=0).values
    last = torch.searchsorted(sizes[order], edges, right=True) - 1
    floors = torch.cat([torch.tensor([reference], dtype=means.dtype), running[last].clamp_min(reference)])
    starts = torch.cat([torch.zeros(1, dtype=edges.dtype), edges])
    ends = torch.cat([edges, torch.full((1,), REFERENCE_SIZE, dtype=edges.dtype)])

    def score(rows: Rows) -> Tensor:
        mean, sd = belief.expect(rows)
        size = sizes_of(layout, rows)[:, None]
        width = (ends - torch.maximum(starts, size)).clamp_min(0)
        improvement = _log_unit_improvement((mean[:, None] - floors) / sd[:, None]) + sd.log()[:, None]
        return torch.logsumexp(improvement + width.log(), dim=1)

    return score


# Slightly above the largest size, so that the largest architecture still dominates something.
REFERENCE_SIZE = 1.05


def sizes_of(layout: Layout, rows: Rows) -> Tensor:
    """Trainable parameters as a share of the most that the space allows, of shape `n`."""
    return torch.from_numpy(layout.row_costs(rows) / max(layout.limit, 1))


def _log_unit_improvement(z: Tensor) -> Tensor:
    """`log(phi(z) + z Phi(z))` without loss of digits for bad rows (Ament et al., arXiv 2310.20708, eq. 9)."""
    near = z.clamp_min(-1)
    density = torch.exp(-0.5 * near.square()) / math.sqrt(2 * math.pi)
    upper = torch.log(density + near * torch.special.ndtr(near))
    far = z.clamp_max(-1)
    ratio = -far * torch.special.erfcx(-far / math.sqrt(2)) * math.sqrt(math.pi / 2)
    # Beyond -1e4 the ratio rounds to 1; there 1 - ratio is 1 / z squared.
    remainder = torch.where(far > -1e4, torch.log1p(-ratio.clamp_max(1 - 1e-12)), -2 * torch.log(-far))
    lower = -0.5 * far.square() - 0.5 * math.log(2 * math.pi) + remainder
    return torch.where(z > -1, upper, lower)
