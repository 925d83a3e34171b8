"""The quick way to the best items gives what sorting gives."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation.top import BLOCK, best_items

LONGEST = 2 * 20 * BLOCK


@pytest.mark.parametrize("items", [5, LONGEST - 1, LONGEST + BLOCK, LONGEST + BLOCK + 1, LONGEST + 2 * BLOCK - 1])
def test_the_same_as_topk(items: int) -> None:
    scores = torch.randn(7, items, generator=torch.Generator().manual_seed(items))
    length = min(20, items)
    values, found = best_items(scores, length)
    best = scores.topk(length, dim=1)
    assert torch.equal(values, best.values)
    assert torch.equal(found, best.indices)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), levels=st.integers(1, 2000), removed=st.integers(0, LONGEST), length=st.integers(1, 20))
def test_with_equal_scores_and_removed_items(seed: int, levels: int, removed: int, length: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    items = LONGEST + BLOCK + seed % 70
    scores = torch.randint(levels, (3, items), generator=generator).float()
    scores[0, torch.randperm(items, generator=generator)[:removed]] = -torch.inf
    scores[1] = -torch.inf
    values, found = best_items(scores, length)
    assert torch.equal(values, scores.topk(length, dim=1).values)
    assert torch.equal(scores.gather(1, found), values)
    assert all(len(set(row)) == length for row in found.tolist())
