"""How near to a known optimum each way of searching gets: ours, Optuna's TPE, and chance, from the same first points."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from engine.benchmarks.search_objective import Objective, draw_objective
from engine.errors import UserError
from engine.search.optimiser import propose
from engine.search.spec import SearchSpec
from engine.search.trial import Trial
from engine.search.winner import best

RIVALS = {"ours": "botorch", "tpe": "tpe", "random": "random"}
_START = 6


@dataclass(frozen=True)
class SearchSize:
    """What is searched.

    Attributes:
        sizes: numbers of layers.
        seeds: objectives drawn for each of them, each searched once by each rival.
        trials: evaluations of each search, the common first ones included.
    """

    sizes: tuple[int, ...] = (12, 32)
    seeds: int = 10
    trials: int = 40

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 2:
            raise UserError(f"--sizes {','.join(map(str, self.sizes))}: each must be 2 or more.")
        if self.seeds < 1:
            raise UserError(f"--seeds {self.seeds}: must be 1 or more.")
        if self.trials < 4:
            raise UserError(f"--trials {self.trials}: must be 4 or more.")


def search_bench(size: SearchSize, threads: int, say: Callable[[str], None]) -> dict[str, object]:
    """Regrets as shares of what adaption can gain at all: 0 is the optimum, 1 is no adapter at all.

    Returns:
        ``regret``: true value of the point that each rival hands over at the end, against the optimum. Ours hands over the
            point of the highest posterior mean, the rivals that of the highest observation, as Optuna's ``best_trial`` does.
        ``tried``: the same for the best point that was evaluated at all, which no searcher of a noisy objective can know.
        ``curves``: ``tried`` after each trial.
        ``by_size``: ``regret`` for each number of layers.
        Each is a mean over seeds (and sizes).
    """
    torch.set_num_threads(threads)
    regrets: dict[int, dict[str, list[float]]] = {layers: {name: [] for name in RIVALS} for layers in size.sizes}
    curves: dict[str, list[list[float]]] = {name: [] for name in RIVALS}
    for layers in size.sizes:
        for seed in range(size.seeds):
            objective = draw_objective(layers, seed)
            for name in RIVALS:
                final, curve = run_search(objective, name, seed, size.trials)
                regrets[layers][name].append(final)
                curves[name].append(curve)
            say(
                f"{layers} layers, seed {seed}: "
                + ", ".join(f"{name} {regrets[layers][name][-1]:.3f} (tried {curves[name][-1][-1]:.3f})" for name in RIVALS)
            )
    mean = {name: np.mean(curves[name], axis=0) for name in RIVALS}
    return {
        "regret": {name: _rounded(np.mean([regrets[layers][name] for layers in size.sizes])) for name in RIVALS},
        "tried": {name: _rounded(mean[name][-1]) for name in RIVALS},
        "by_size": {str(layers): {name: _rounded(np.mean(regrets[layers][name])) for name in RIVALS} for layers in size.sizes},
        "curves": {name: [_rounded(value) for value in mean[name]] for name in RIVALS},
    }


def run_search(objective: Objective, name: str, seed: int, trials: int) -> tuple[float, list[float]]:
    """One search: the regret of what it hands over, and that of its best trial so far after each trial."""
    space = objective.space
    spec = SearchSpec(space=space.spec, trials=trials, optimiser=RIVALS[name], start=_START, seed=seed)
    noise = np.random.default_rng([seed, space.layers, 1]).normal(0, objective.noise, size=trials)
    done: list[Trial] = []
    truths: list[float] = []
    while len(done) < trials:
        proposal = propose(space, spec, done, 1)[0]
        truths.append(objective.value(space.encode(proposal.candidate)))
        done.append(
            Trial(
                number=len(done),
                candidate=proposal.candidate,
                state="done",
                value=truths[-1] + float(noise[len(done)]),
                error=objective.noise,
                parameters=space.parameters(proposal.candidate),
                origin=proposal.origin,
            )
        )
    luckiest = max(done, key=lambda trial: trial.value or 0.0)
    final = (best(space, done).trial if name == "ours" else luckiest).number
    gain = objective.optimum - objective.nothing()
    curve = (objective.optimum - np.maximum.accumulate(truths)) / gain
    return (objective.optimum - truths[final]) / gain, [float(value) for value in curve]


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
