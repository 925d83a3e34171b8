"""The leak tests of method.md section 2.3: on random item lengths, every mode, family and attention implementation."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backbones.backbone import Backbone
from engine.backbones.huggingface import load_backbone
from tests.engine.backbones.tiny import CONFIGS
from tests.engine.masking.modes import MODES, History, Read, lower

ATTENTION = ("sdpa", "eager")
FOREIGN = 250


def histories() -> st.SearchStrategy[History]:
    ids = st.integers(5, 240)
    items = st.lists(st.lists(ids, min_size=2, max_size=5), min_size=2, max_size=4)
    return st.builds(History, st.lists(ids, max_size=3), items)


def changed(history: History, item: int, token: int) -> History:
    """The same history with another token at one place of one item."""
    items = [list(ids) for ids in history.items]
    items[item][token] = FOREIGN
    return History(history.prefix, items)


def moved(one: torch.Tensor, other: torch.Tensor) -> list[bool]:
    return ((one - other).abs().max(dim=1).values > 1e-4).tolist()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("attention", ATTENTION)
@pytest.mark.parametrize("family", CONFIGS)
def test_items_see_themselves_and_nothing_later(
    family: str, attention: str, mode: str, checkpoint: Callable[[str], Path]
) -> None:
    backbone = load_backbone("mine", checkpoint(family), torch.device("cpu"))
    backbone.model.set_attn_implementation(attention)

    @given(history=histories(), data=st.data())
    @settings(max_examples=10, deadline=None, derandomize=True)
    def on_random_lengths(history: History, data: st.DataObject) -> None:
        item = data.draw(st.integers(0, len(history.items) - 1))
        with torch.no_grad():
            check_mode(backbone, mode, history, item)

    on_random_lengths()


def check_mode(backbone: Backbone, mode: str, history: History, item: int) -> None:
    before = MODES[mode](backbone, history, 0)
    after = MODES[mode](backbone, changed(history, item, -1), 0)
    places = [place for place, of in enumerate(before.items) if of == item]
    here = moved(before.states, after.states)
    assert not any(here[: places[0]]), "a later item leaks into an earlier one"
    assert here[places[-1]]
    if mode == "two_level":
        assert all(here[places[0] :]), "the markers do not see each other"
        tokens = [lower(backbone, one, 0)[item] for one in (history, changed(history, item, -1))]
        assert all(moved(*tokens)), "tokens of one item do not see each other"
    else:
        inside = [here[place] for place in places[:-1]]
        assert not any(inside) if mode == "causal" else all(inside), "what tokens of one item see is not what the mode says"
    check_first_token(before, MODES[mode](backbone, changed(history, item, 0), 0), item)
    padded = MODES[mode](backbone, history, 3)
    torch.testing.assert_close(padded.states, before.states, atol=2e-5, rtol=1e-4)


def check_first_token(before: Read, after: Read, item: int) -> None:
    """Every token after a changed one moves (the past is seen); none before does."""
    here = moved(before.states, after.states)
    assert here == [of >= item for of in before.items]


@pytest.mark.parametrize("mode", ["union", "causal", "per_head"])
@pytest.mark.parametrize("attention", ATTENTION)
@pytest.mark.parametrize("family", CONFIGS)
def test_the_prefix_stays_causal(family: str, attention: str, mode: str, checkpoint: Callable[[str], Path]) -> None:
    backbone = load_backbone("mine", checkpoint(family), torch.device("cpu"))
    backbone.model.set_attn_implementation(attention)
    with torch.no_grad():
        before, after = (MODES[mode](backbone, History([5, 6, last], [[8, 9]]), 0).states for last in (7, FOREIGN))
    assert moved(before, after) == [False, False, True, True, True]
