"""Counted models as parts of a blended score: logarithms of distributions over the catalogue, as a softmax adds them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.data.split import seen_rule
from engine.evaluation.evaluator import History, Score, Users
from engine.methods.item_knn.method import Implementation as ItemKnn
from engine.methods.item_knn.spec import ItemKnnSpec
from engine.methods.markov.method import Implementation as Markov
from engine.methods.markov.spec import MarkovSpec
from engine.methods.method import Context
from engine.methods.sparse_rows import recent_votes
from engine.methods.spec import MethodSpec

# Fixed here, not read from the presets of these methods: a saved blend counts its models again, and must find the same ones.
NAMES = ("markov", "rules", "item-knn", "popularity")
TRANSITIONS = MarkovSpec(smoothing=5)
RULES = MarkovSpec(reach=10, reach_decay=0.8, votes=10, vote_decay=0.8, smoothing=10)
NEIGHBOURS = ItemKnnSpec(neighbours=50, shrinkage=0, normalise_users=True, recency=0.7)
REPEATS = {"recent repeats": 2.0, "repeats": 200.0}
"""Parts where items may be recommended again: the history's own items, and after how many items one counts half as much.

With two of them weights can tell what is bought again and again from what lies in the basket already.
"""
LEFT_TO_POPULARITY = 0.2
"""Of the distributions of ``item-knn`` and of repeats, so that an item that is no neighbour has a logarithm too."""

Parts = Callable[[Sequence[History], Users | None], list[Tensor]]
"""The parts of a score, each `batch x items`; arguments as for ``Score``."""


def counted_names(context: Context) -> tuple[str, ...]:
    """Names of ``counted_parts``: ``NAMES``, and ``REPEATS`` where the run's protocol keeps seen items in the ranking."""
    keeps = seen_rule(context.version, context.spec.evaluation.seen) == "keep"
    return (*NAMES, *(REPEATS if keeps else ()))


def counted_parts(context: Context) -> Parts:
    """Count over the training rows, and give the parts called ``counted_names(context)``."""
    markov, rules, neighbours = (_counted(kind, context, settings) for kind, settings in _MODELS)
    popularity = _popularity(context)
    half_lives = [REPEATS[name] for name in counted_names(context) if name in REPEATS]

    def parts(histories: Sequence[History], users: Users | None) -> list[Tensor]:
        alike = _mixed(neighbours(histories, users), popularity)
        own = [_mixed(_own_items(histories, half_life, popularity), popularity) for half_life in half_lives]
        chances = [markov(histories, users), rules(histories, users), alike, popularity.expand_as(alike), *own]
        return [torch.log(part.clamp(min=_LEAST)) for part in chances]

    return parts


def _mixed(weights: Tensor, popularity: Tensor) -> Tensor:
    """Each row of ``weights`` as a distribution with a share of ``popularity``; a row of zeros becomes all popularity."""
    total = weights.sum(dim=1, keepdim=True)
    shares = torch.where(total > 0, weights / total.clamp(min=torch.finfo(weights.dtype).tiny), popularity)
    return (1 - LEFT_TO_POPULARITY) * shares + LEFT_TO_POPULARITY * popularity


def _own_items(histories: Sequence[History], half_life: float, like: Tensor) -> Tensor:
    """`batch x items`: how often each history holds each item, older ones counting less."""
    votes = recent_votes(histories, None, 0.5 ** (1 / half_life), like.device)
    weights = like.new_zeros(len(histories), len(like))
    return weights.index_put_((votes.voters, votes.sources), votes.weights, accumulate=True)


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
