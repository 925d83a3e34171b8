"""What each layer is worth: how much the choice made there moves the objective, and how sure the model is of that."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.search.belief import Belief, fit_belief
from engine.search.layout import Layout
from engine.search.trial import Trial

_SAMPLES = 256


@dataclass(frozen=True)
class LayerImportance:
    """One layer.

    Attributes:
        group: number of the group of tied layers it belongs to; tied layers share one figure.
        importance: standard deviation of the expected objective over the layer's choices, others kept: 0 if the choice there
            changes nothing, or if nothing is known of it. In units of the objective.
        sd: standard deviation of the same figure over samples of the posterior.
    """

    layer: int
    group: int
    importance: float
    sd: float


def importance(layout: Layout, trials: Sequence[Trial], seed: int = 0) -> list[LayerImportance]:
    """Importance of each layer, the lowest first.

    It is that of the model's additive part: what a layer's choice adds by itself (``engine.search.kernel``).

    Raises:
        TooFewTrials, or one of ``belief.CANNOT_FIT``: there is no model.
    """
    belief = fit_belief(layout, trials)
    groups = {layer: number for number, group in enumerate(layout.groups) for layer in group}
    figures = [_spread(belief, number, seed) for number in range(len(layout.groups))]
    return [LayerImportance(layer, groups[layer], *figures[groups[layer]]) for layer in range(layout.layers)]


def _spread(belief: Belief, group: int, seed: int) -> tuple[float, float]:
    """Importance of one group, and its standard deviation over samples, in units of the objective."""
    prior, cross = belief.kernel.gains(group)
    with torch.no_grad():
        mean = cross @ belief.weights
        solved = torch.linalg.solve_triangular(belief.root, cross.T, upper=False)
        covariance = prior - solved.T @ solved
        # A symmetric root: the covariance is nearly singular where options are alike, and Cholesky would fail on it.
        values, vectors = torch.linalg.eigh(0.5 * (covariance + covariance.T))
        root = vectors * values.clamp_min(0).sqrt()
        noise = torch.randn(_SAMPLES, len(mean), generator=torch.Generator().manual_seed(seed), dtype=mean.dtype)
        samples = mean + noise @ root.T
        scale = belief.seen.scale
        return float(mean.std(correction=0)) * scale, float(samples.std(dim=1, correction=0).std()) * scale
