"""Counted models as parts of a blended score: logarithms of distributions over the catalogue, as a softmax adds them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.evaluation.evaluator import History, Score, Users
from engine.methods.item_knn.method import Implementation as ItemKnn
from engine.methods.item_knn.spec import ItemKnnSpec
from engine.methods.markov.method import Implementation as Markov
from engine.methods.markov.spec import MarkovSpec
from engine.methods.method import Context
from engine.methods.spec import MethodSpec

# Fixed here, not read from the presets of these methods: a saved blend counts its models again, and must find the same ones.
NAMES = ("markov", "rules", "item-knn", "popularity")
TRANSITIONS = MarkovSpec(smoothing=5)
RULES = MarkovSpec(reach=10, reach_decay=0.8, votes=10, vote_decay=0.8, smoothing=10)
NEIGHBOURS = ItemKnnSpec(neighbours=50, shrinkage=0, normalise_users=True, recency=0.7)
LEFT_TO_POPULARITY = 0.2
"""Of the distribution of ``item-knn``, so that an item that is no neighbour has a logarithm too."""

Parts = Callable[[Sequence[History], Users | None], list[Tensor]]
"""The parts of a score, each `batch x items`; arguments as for ``Score``."""


def counted_parts(context: Context) -> Parts:
    """Count over the training rows, and give the parts called ``NAMES``."""
    markov, rules, neighbours = (_counted(kind, context, settings) for kind, settings in _MODELS)
    popularity = _popularity(context)

    def parts(histories: Sequence[History], users: Users | None) -> list[Tensor]:
        alike = neighbours(histories, users)
        total = alike.sum(dim=1, keepdim=True)
        alike = torch.where(total > 0, alike / total.clamp(min=torch.finfo(alike.dtype).tiny), popularity)
        mixed = (1 - LEFT_TO_POPULARITY) * alike + LEFT_TO_POPULARITY * popularity
        chances = [markov(histories, users), rules(histories, users), mixed, popularity.expand_as(mixed)]
        return [torch.log(part.clamp(min=_LEAST)) for part in chances]

    return parts


_LEAST = 1e-9
_MODELS: tuple[tuple[type[Markov] | type[ItemKnn], MethodSpec], ...] = (
    (Markov, TRANSITIONS),
    (Markov, RULES),
    (ItemKnn, NEIGHBOURS),
)


def _counted(kind: type[Markov] | type[ItemKnn], context: Context, settings: MethodSpec) -> Score:
    model = kind(replace(context, spec=context.spec.model_copy(update={"method": settings})))
    model.fit_counts()
    return model.scorer()


def _popularity(context: Context) -> Tensor:
    """`items`, with one interaction more for each item, so that none has chance 0."""
    counts = np.bincount(context.split.train.items, minlength=context.version.counts.items) + 1.0
    return torch.from_numpy((counts / counts.sum()).astype(np.float32)).to(context.device)
