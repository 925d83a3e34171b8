"""Ranking metrics. Each declares what it needs, so that nothing else is computed.

A metric is one function and one ``register_metric`` line. With a single target per user, a mid-rank ``r`` (0-based) gives
HR@k = [r < k], NDCG@k = [r < k] / log2(r + 2), MRR@k = [r < k] / (r + 1); the value of a metric is the mean over users.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.registry import Registry

CUTOFFS = (1, 5, 10, 20)
LONGEST_LIST = max(CUTOFFS)


@dataclass(frozen=True)
class Evidence:
    """What metrics are computed from.

    Attributes:
        ranks: `users`, 0-based mid-ranks of the targets.
        lists: `users x LONGEST_LIST`, indexes of the recommended items, best first; -1 where the catalogue is shorter.
        catalogue: number of items that could be recommended.
    """

    ranks: NDArray[np.float64]
    lists: NDArray[np.int32]
    catalogue: int


Metric = Callable[[Evidence, int], float]
METRICS: Registry[Metric] = Registry("metric")


def register_metric(name: str, metric: Metric) -> None:
    """Have every evaluation compute ``metric(evidence, k)`` for each cut-off, under the name ``name@k``."""
    METRICS.register(name, metric)


def per_user(name: str, ranks: NDArray[np.float64], cutoff: int) -> NDArray[np.float64]:
    """`users`: each user's own value of ``hr``, ``ndcg`` or ``mrr`` at ``cutoff``; for paired tests."""
    gain = {"hr": np.ones_like(ranks), "ndcg": 1 / np.log2(ranks + 2), "mrr": 1 / (ranks + 1)}[name]
    return np.where(ranks < cutoff, gain, 0.0)


def coverage(evidence: Evidence, cutoff: int) -> float:
    """Share of the catalogue that stands in at least one user's first ``cutoff`` recommendations."""
    shown = np.unique(evidence.lists[:, :cutoff])
    return float((shown >= 0).sum()) / evidence.catalogue


def compute_metrics(evidence: Evidence) -> dict[str, float]:
    """All registered metrics at all cut-offs, e.g. ``{"hr@10": 0.19, ...}``."""
    return {f"{name}@{cutoff}": METRICS.get(name)(evidence, cutoff) for name in METRICS.names() for cutoff in CUTOFFS}


def _mean_over_users(name: str) -> Metric:
    return lambda evidence, cutoff: float(per_user(name, evidence.ranks, cutoff).mean())


for _name in ("hr", "ndcg", "mrr"):
    register_metric(_name, _mean_over_users(_name))
register_metric("coverage", coverage)
