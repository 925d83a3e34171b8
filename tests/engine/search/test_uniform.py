import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.adapters.choice import LayerChoice
from engine.adapters.costs import parameters
from engine.adapters.shapes import nano_shapes
from engine.backbones.spec import NanoSpec
from engine.search.uniform import uniform_of_size

SHAPES = nano_shapes(NanoSpec())


def cost(choice: LayerChoice, layer: int) -> int:
    return parameters(choice, SHAPES)


ONE = cost(LayerChoice(rank=1), 0)


@given(st.integers(1, 32), st.integers(0, 64))
def test_as_near_as_a_rank_of_one_layer_allows(layers: int, ranks: int) -> None:
    size = ranks * ONE + ONE // 3
    found = uniform_of_size(size, layers, cost)
    assert len(found) == layers
    assert abs(sum(cost(choice, 0) for choice in found) - size) <= ONE / 2
    ranks_found = {choice.rank for choice in found}
    assert max(ranks_found) - min(ranks_found) <= 1, "alike in every layer, but for one rank"


@pytest.mark.parametrize("size", [25, 40, 100])
def test_within_two_percent_from_25_ranks_on(size: int) -> None:
    found = uniform_of_size(size * ONE + ONE // 2, 4, cost)
    assert abs(sum(cost(choice, 0) for choice in found) / (size * ONE + ONE // 2) - 1) <= 0.02


def test_what_is_more_is_spread_over_the_depth_from_the_top() -> None:
    assert [choice.rank for choice in uniform_of_size(10 * ONE, 4, cost)] == [2, 3, 2, 3]
    assert [str(choice) for choice in uniform_of_size(2 * ONE, 4, cost)] == ["none", "lora/both/1", "none", "lora/both/1"]
    assert [str(choice) for choice in uniform_of_size(0, 2, cost)] == ["none", "none"]
