import itertools

import numpy as np
import pytest

from engine.benchmarks.search import SearchSize, search_bench
from engine.benchmarks.search_objective import draw_objective
from engine.benchmarks.suggest import SuggestSize, suggest_bench
from engine.errors import UserError


@pytest.mark.parametrize("seed", [0, 3])
def test_the_optimum_is_that_of_trying_everything(seed: int) -> None:
    objective = draw_objective(3, seed)
    rows = np.array(list(itertools.product(range(len(objective.space.options)), repeat=3)))
    rows = rows[objective.space.row_costs(rows) <= objective.space.limit]
    own = objective.gains[np.arange(3), rows].sum(axis=1)
    # The pairs only take away, so that the own gains bound the value: only rows that could win are asked.
    total = -np.log(1 - (objective.optimum - 0.10) / 0.05)
    highest = max(objective.value(row) for row in rows[own >= total - 1e-9])
    assert objective.optimum == pytest.approx(highest, abs=1e-12)
    assert objective.value(objective.best) == objective.optimum
    assert objective.space.row_costs(objective.best[None])[0] <= objective.space.limit


def test_the_bench_gives_regrets_and_curves_from_common_starts() -> None:
    said: list[str] = []
    figures = search_bench(SearchSize((4,), 1, 12), 1, said.append)
    regret, curves = figures["regret"], figures["curves"]
    assert isinstance(regret, dict)
    assert isinstance(curves, dict)
    assert regret.keys() == curves.keys() == {"ours", "tpe", "random"}
    assert all(0 <= value <= 1 for value in regret.values())
    assert all(len(curve) == 12 and curve == sorted(curve, reverse=True) for curve in curves.values())
    assert len({tuple(curve[:10]) for curve in curves.values()}) == 1
    assert len(said) == 1


def test_the_suggestion_bench_gives_seconds() -> None:
    figures = suggest_bench(SuggestSize(4, 14, 1, 1), 1, lambda _: None)
    assert figures.keys() == {"seconds", "two_objectives"}
    assert min(figures.values()) > 0


def test_wrong_sizes_say_what_to_do() -> None:
    for wrong, words in (({"trials": 3}, "--finished 3"), ({"running": -1}, "--running -1")):
        with pytest.raises(UserError, match=words):
            SuggestSize(**wrong)
    for settings, words in (({"seeds": 0}, "--seeds 0"), ({"trials": 1}, "--trials 1"), ({"sizes": (1,)}, "--sizes 1")):
        with pytest.raises(UserError, match=words):
            SearchSize(**settings)  # type: ignore[arg-type]
