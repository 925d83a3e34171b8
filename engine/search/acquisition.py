"""BoTorch's noisy acquisition functions over a handful of rows: they weigh noise and pending points by simulation."""

import math
import warnings

import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective import logei as hypervolume
from botorch.exceptions.warnings import BotorchWarning
from botorch.models import ModelList
from botorch.models.deterministic import GenericDeterministicModel
from botorch.sampling.index_sampler import IndexSampler
from botorch.sampling.list_sampler import ListSampler
from botorch.sampling.normal import SobolQMCNormalSampler
from torch import Tensor

from engine.search.belief import Belief
from engine.search.improvement import REFERENCE_SIZE, sizes_of
from engine.search.layout import Rows
from engine.search.observations import points_of

_SAMPLES = 128
_BASELINE = 24


def noisy_log_improvement(belief: Belief, tried: Rows, pending: Rows, rows: Rows, seed: int) -> Tensor:
    """qLogNoisyExpectedImprovement (Ament et al., arXiv 2310.20708) of each of ``rows`` on its own, of shape `n`.

    Args:
        tried: `m x columns`, finished rows; those that may be the best are the baseline.
        pending: `p x columns`, rows whose values are not known yet.
    """
    mean, sd = belief.expect(tried)
    likely = torch.topk(mean + sd, min(_BASELINE, len(tried))).indices.numpy()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", BotorchWarning)
        function = qLogNoisyExpectedImprovement(
            belief.model,
            points_of(belief.layout, tried[likely]),
            sampler=SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=seed),
            X_pending=points_of(belief.layout, pending) if len(pending) else None,
            prune_baseline=False,
        )
        value: Tensor = function(points_of(belief.layout, rows).unsqueeze(1))
    return value


def noisy_log_hypervolume_improvement(
    belief: Belief, tried: Rows, pending: Rows, rows: Rows, reference: float, seed: int
) -> Tensor:
    """qLogNoisyExpectedHypervolumeImprovement of each of ``rows``: the objective against the (known) size.

    Args:
        reference: standardised value below which nothing counts.
    """
    layout = belief.layout
    spans = torch.tensor([max(size - 1, 1) for size in layout.sizes], dtype=torch.float64)
    costs = torch.from_numpy(layout.costs)
    groups = torch.arange(len(layout.groups))

    def smallness(points: Tensor) -> Tensor:
        numbers = (points[..., : len(layout.groups)] * spans[: len(layout.groups)]).round().long()
        return -costs[groups, numbers].sum(dim=-1, keepdim=True) / max(layout.limit, 1)

    likely = _front(belief, tried)
    hypervolume._load_attempted = True  # else BoTorch compiles C++ here, on the machine of whoever searches
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", BotorchWarning)
        shape = torch.Size([_SAMPLES])
        sampler = ListSampler(SobolQMCNormalSampler(shape, seed=seed), IndexSampler(shape, seed=seed))
        function = hypervolume.qLogNoisyExpectedHypervolumeImprovement(
            ModelList(belief.model, GenericDeterministicModel(smallness, num_outputs=1)),
            [reference, -REFERENCE_SIZE],
            points_of(layout, tried[likely]),
            sampler=sampler,
            X_pending=points_of(layout, pending) if len(pending) else None,
            prune_baseline=False,
            cache_root=False,
        )
        value: Tensor = function(points_of(layout, rows).unsqueeze(1))
    return value


def reference_value(belief: Belief, tried: Rows) -> float:
    """A standardised value a little below the worst of the present front: what counts as nothing for a hypervolume."""
    mean, _ = belief.expect(tried)
    front = mean[torch.from_numpy(_front(belief, tried)[:1])]
    lowest, highest = float(front.min()), float(mean.max())
    return lowest - 0.1 * max(highest - lowest, math.ulp(1.0)) - 0.1


def _front(belief: Belief, tried: Rows) -> Rows:
    """Indices of the rows that are on the front of value and size, or nearly so; the smallest row first."""
    mean, sd = belief.expect(tried)
    sizes = sizes_of(belief.layout, tried)
    # Counting a row's own uncertainty in its favour keeps those that may turn out to be on the front.
    beaten = ((mean[None] - 0.5 * sd[None] > mean[:, None] + 0.5 * sd[:, None]) & (sizes[None] <= sizes[:, None])).any(dim=1)
    kept = torch.nonzero(~beaten)[:, 0]
    kept = kept[torch.argsort(mean[kept], descending=True)][:_BASELINE]
    chosen: Rows = kept[torch.argsort(sizes[kept], stable=True)].numpy()
    return chosen
