"""Scores that are inner products: the vectors that an index of nearest neighbours (FAISS, say) can hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from engine.evaluation.evaluator import History, Users

Queries = Callable[[Sequence[History], Users | None], Tensor]
"""The vector of each history (of these users): `batch x d`; arguments as for ``Score``."""


@dataclass(frozen=True)
class VectorScore:
    """A score, or part of one, as ``queries @ items.T``.

    Attributes:
        items: `items x d`.
        queries: gives the vector of each history.
        says: what the product is, in a sentence for people.
        missing: parts of the score that are no inner products; empty if the product is the whole score.
    """

    items: Tensor
    queries: Queries
    says: str
    missing: tuple[str, ...] = ()
