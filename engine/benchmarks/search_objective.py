"""A made-up objective over adapter architectures whose best point under the budget is known by proof.

It looks like what is known of adapters, and is drawn anew for each seed: layers around the middle matter most (where exactly, and
how widely, is chance), neighbours matter alike but each layer has its own quirk, returns of rank diminish, a rank beyond what a
layer can use costs a little (overfitting), kinds and targets differ, what attention and MLP are worth shifts with depth,
neighbouring adapters do partly the same work, a change of kind between neighbours costs something, and the whole saturates.

Before saturation it is a sum over layers and pairs of neighbours, so dynamic programming over (layer, its option, budget spent)
finds its maximum exactly; saturation is monotone and leaves that point the best.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.adapters.choice import LayerChoice
from engine.search.layout import Rows
from engine.search.space import SearchSpace
from engine.search.spec import SpaceSpec

KINDS = ("lora", "dora", "loha")
RANKS = (2, 4, 8, 16)
# Parameters for each unit of rank, in a ratio near that of a decoder layer's attention and MLP, and half again for loha.
_WIDTHS = {"attention": 400, "mlp": 600, "both": 1000}
_PER_KIND = {"lora": 1.0, "dora": 1.0, "loha": 1.5}
_UNIT = 200
_BASE, _AMPLITUDE = 0.10, 0.05


def layer_cost(choice: LayerChoice, layer: int) -> int:
    """Trainable parameters of ``choice``, the same in each layer."""
    return 0 if choice.kind == "none" else int(choice.rank * _WIDTHS[choice.target] * _PER_KIND[choice.kind])


def objective_space(layers: int) -> SearchSpace:
    """All kinds, targets and ranks in each layer, under the budget of uniform LoRA of rank 4 on everything."""
    spec = SpaceSpec(kinds=("none", *KINDS), ranks=RANKS, budget=layers * layer_cost(LayerChoice(rank=4), 0))
    return SearchSpace(spec, layers, layer_cost)


@dataclass(frozen=True)
class Objective:
    """One draw of the objective.

    Attributes:
        gains: `layers x options`, what each layer's choice adds on its own.
        overlap: `layers - 1`, how much of the smaller of two neighbours' gains is lost.
        mixing: cost of two neighbours having different kinds.
        noise: standard deviation of an observation.
        optimum: best value within the budget.
        best: its row.
    """

    space: SearchSpace
    gains: NDArray[np.float64]
    overlap: NDArray[np.float64]
    mixing: float
    noise: float
    optimum: float
    best: Rows

    def value(self, row: Rows) -> float:
        """The true value of a row of shape `columns`."""
        own = self.gains[np.arange(len(row)), row]
        pairs = sum(float(_pair(self, layer)[row[layer], row[layer + 1]]) for layer in range(len(row) - 1))
        return _saturated(float(own.sum()) + pairs)

    def nothing(self) -> float:
        """The value of no adapter at all."""
        return _saturated(0.0)


def draw_objective(layers: int, seed: int, noise: float = 0.004) -> Objective:
    """The objective of ``seed`` for ``layers`` layers, with its optimum."""
    generator = np.random.default_rng([seed, layers])
    space = objective_space(layers)
    depth = np.linspace(0, 1, layers)
    centre, width = generator.uniform(0.35, 0.65), generator.uniform(0.08, 0.18)
    worth = 0.05 + np.exp(-0.5 * ((depth - centre) / width) ** 2)
    worth *= generator.uniform(0.8, 1.2, size=layers)
    worth *= 3.0 / worth.sum()
    kind_worth = dict(zip(generator.permutation(KINDS).tolist(), (1.0, 0.8, 0.6), strict=True))
    slope = generator.uniform(-0.3, 0.3)
    useful = generator.uniform(4.0, 8.0) * (0.6 + 0.8 * worth / worth.max())
    gains = np.zeros((layers, len(space.options)))
    for number, option in enumerate(space.options):
        if option.kind == "none":
            continue
        attention = 0.6 + slope * (depth - 0.5)
        share = {"attention": attention, "mlp": 1.15 - attention, "both": np.ones(layers)}[option.target]
        gains[:, number] = worth * kind_worth[option.kind] * share * (1 - np.exp(-option.rank / useful))
        gains[:, number] -= 0.004 * 12 / layers * np.maximum(option.rank / useful - 1, 0)
    overlap = generator.uniform(0.1, 0.35, size=layers - 1)
    unfinished = Objective(space, gains, overlap, 0.15 / layers, noise, 0.0, np.zeros(layers, dtype=np.int64))
    best = _solve(unfinished)
    return Objective(space, gains, overlap, 0.15 / layers, noise, unfinished.value(best), best)


def _saturated(total: float) -> float:
    return float(_BASE + _AMPLITUDE * (1 - np.exp(-total)))


def _pair(objective: Objective, layer: int) -> NDArray[np.float64]:
    """What the options of ``layer`` and the next one add together, `options x options`; never above 0."""
    one, other = (np.maximum(objective.gains[index], 0) for index in (layer, layer + 1))
    kinds = np.array([option.kind for option in objective.space.options])
    different = (kinds[:, None] != kinds) & (kinds[:, None] != "none") & (kinds != "none")
    pair: NDArray[np.float64] = -objective.overlap[layer] * np.minimum(one[:, None], other) - objective.mixing * different
    return pair


def _solve(objective: Objective) -> Rows:
    """The best row within the budget, by dynamic programming: best total by option of the present layer and budget spent."""
    space = objective.space
    costs = space.costs // _UNIT
    if (costs * _UNIT != space.costs).any():
        raise ValueError(f"costs must be multiples of {_UNIT}")
    limit = space.limit // _UNIT
    layers, options = costs.shape
    best = np.full((options, limit + 1), -np.inf)
    for option in range(options):
        if costs[0, option] <= limit:
            best[option, costs[0, option]] = objective.gains[0, option]
    before = np.zeros((layers, options, limit + 1), dtype=np.int16)
    for layer in range(1, layers):
        pair = _pair(objective, layer - 1)
        following = np.full_like(best, -np.inf)
        for option in range(options):
            cost = costs[layer, option]
            if cost > limit:
                continue
            totals = best[:, : limit + 1 - cost] + pair[:, option, None]
            before[layer, option, cost:] = totals.argmax(axis=0)
            following[option, cost:] = totals.max(axis=0) + objective.gains[layer, option]
        best = following
    option, spent = (int(index) for index in np.unravel_index(best.argmax(), best.shape))
    row = np.zeros(layers, dtype=np.int64)
    for layer in range(layers - 1, -1, -1):
        row[layer] = option
        earlier = int(before[layer, option, spent])
        spent -= int(costs[layer, option])
        option = earlier
    return row
