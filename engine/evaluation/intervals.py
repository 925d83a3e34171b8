"""How sure a mean over users is: 95 % percentile bootstrap intervals over users. No torch here.

Every metric of a single user hangs on the user's rank alone, and is 0 from the largest cut-off on, so that users fall into a
few dozen groups of equal rank. Drawing users with replacement is then drawing how many of each group there are: one
multinomial draw a resample, whatever the number of users. This is the bootstrap itself, no approximation.

The interval says whether the figure would hold for other users of the same kind, with just this trained model; another seed
gives another model (see ``compare.py``).
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.compare import LEVEL, METRIC_NAMES, RESAMPLES
from engine.evaluation.metrics import CUTOFFS, LONGEST_LIST, per_user

Intervals = dict[str, tuple[float, float]]
ALL_METRICS = tuple(f"{name}@{cutoff}" for name in METRIC_NAMES for cutoff in CUTOFFS)
METHOD = f"{LEVEL:.0%} percentile bootstrap over users, {RESAMPLES:,} resamples".replace("%", " %")


def mean_intervals(ranks: NDArray[np.float64], metrics: Iterable[str] = ALL_METRICS, seed: int = 0) -> Intervals:
    """The lower and upper end of each metric's interval; empty where there is no user.

    Args:
        ranks: `n`, 0-based mid-ranks of the users' targets.
        metrics: names such as ``ndcg@10``, of those in ``ALL_METRICS``.
    """
    if not len(ranks):
        return {}
    values, counts = np.unique(np.minimum(ranks, LONGEST_LIST), return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(ranks), counts / len(ranks), size=RESAMPLES)
    names = list(metrics)
    gains = np.stack([_gain(name, values) for name in names], axis=1)
    ends = np.percentile(drawn @ gains / len(ranks), [50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL)], axis=0)
    return {name: (float(low), float(high)) for name, low, high in zip(names, *ends, strict=True)}


def _gain(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    base, _, cutoff = name.partition("@")
    return per_user(base, values, int(cutoff))
