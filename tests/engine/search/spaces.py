"""Spaces and finished trials that the tests of the search share."""

from collections.abc import Callable, Iterable

import numpy as np

from engine.adapters.choice import LayerChoice
from engine.search.layout import Rows
from engine.search.space import SearchSpace
from engine.search.spec import SpaceSpec
from engine.search.trial import Candidate, Trial

WIDTH = {"attention": 4, "mlp": 3, "both": 7}


def cost(choice: LayerChoice, layer: int) -> int:
    return choice.rank * WIDTH[choice.target] * (1 + layer % 2)


def space(layers: int = 4, **settings: object) -> SearchSpace:
    return SearchSpace(SpaceSpec.model_validate(settings), layers, cost)


def done(
    space: SearchSpace, rows: Iterable[Rows], value: Callable[[Candidate], float], error: float | None = None
) -> list[Trial]:
    candidates = [space.decode(row) for row in rows]
    return [
        Trial(number, candidate, "done", value(candidate), error, space.parameters(candidate))
        for number, candidate in enumerate(dict.fromkeys(candidates))
    ]


def upper_layers(candidate: Candidate) -> float:
    """More in the upper half is better, with diminishing returns; the lower half does nothing."""
    half = len(candidate.architecture) // 2
    return 0.1 + 0.01 * sum(float(np.log1p(choice.rank)) for choice in candidate.architecture[half:])
