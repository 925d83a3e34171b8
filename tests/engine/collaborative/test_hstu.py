import pytest
import torch
from torch.nn import functional

from engine.collaborative.hstu import EPSILON, HstuNetwork, Unit
from engine.methods.hstu.spec import HstuSpec
from tests.engine.methods.causal import ITEMS, assert_causal, assert_padding_counts_nothing


def settings(**changes: object) -> HstuSpec:
    shape = {"window": 12, "dimensions": 8, "heads": 2, "attention_dimensions": 3, "value_dimensions": 5}
    return HstuSpec(**{**shape, **changes})  # type: ignore[arg-type]


def build(**changes: object) -> HstuNetwork:
    """Weights ten times as large as at the start, so that attention matters."""
    torch.manual_seed(0)
    network = HstuNetwork(ITEMS, settings(**changes))
    with torch.no_grad():
        for unit in network.units:
            unit.project.weight.mul_(10)
            if unit.bias is not None:
                unit.bias.mul_(10)
    return network


@pytest.mark.parametrize("relative_bias", [True, False])
@pytest.mark.parametrize("positions", [True, False])
def test_later_items_move_no_earlier_state(relative_bias: bool, positions: bool) -> None:
    assert_causal(build(relative_bias=relative_bias, positions=positions))


def test_padding_counts_nothing() -> None:
    assert_padding_counts_nothing(build(layers=3))


@torch.no_grad()
@pytest.mark.parametrize("relative_bias", [True, False])
def test_a_unit_is_that_of_the_paper(relative_bias: bool) -> None:
    """Equations 1 to 3, position by position and head by head."""
    unit = build(relative_bias=relative_bias).eval().units[0]
    assert isinstance(unit, Unit)
    length = 6
    entering = torch.randn(length, 8)
    order = torch.arange(length)
    back = order[:, None] - order
    share = torch.where(back >= 0, 1 / (order[:, None] + 1.0), 0.0)
    found = unit(entering[None], back.clamp(min=0), share)[0]
    projected = functional.silu(functional.layer_norm(entering, [8], eps=EPSILON) @ unit.project.weight.T)
    for place in range(length):
        mixed, gates = [], []
        for head in range(2):
            parts = projected[:, head * 16 : head * 16 + 16]
            gate, value, query, key = parts[:, :5], parts[:, 5:10], parts[:, 10:13], parts[:, 13:]
            total = torch.zeros(5)
            for other in range(place + 1):
                score = query[place] @ key[other]
                if unit.bias is not None:
                    score = score + unit.bias[place - other]
                total += functional.silu(score) * value[other] / (place + 1)
            mixed.append(total)
            gates.append(gate[place])
        gated = functional.layer_norm(torch.cat(mixed), [10], eps=EPSILON) * torch.cat(gates)
        torch.testing.assert_close(found[place], entering[place] + unit.output(gated), atol=1e-5, rtol=1e-4)


def test_each_choice_brings_its_own_weights() -> None:
    names = {name for name, _ in build().named_parameters()}
    without = {name for name, _ in build(relative_bias=False, positions=False).named_parameters()}
    assert names - without == {"positions.weight", "units.0.bias", "units.1.bias"}
