import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.evaluation.ranks import mid_ranks


def brute_force(scores: list[float], target: int, removed: set[int]) -> float:
    others = [score for item, score in enumerate(scores) if item != target and item not in removed]
    return sum(score > scores[target] for score in others) + 0.5 * sum(score == scores[target] for score in others)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_equals_a_count_one_by_one_with_ties_and_removed_items(data: st.DataObject) -> None:
    items = data.draw(st.integers(1, 12))
    rows = data.draw(st.integers(1, 4))
    value = st.integers(-2, 2)  # few values, so that ties are the norm
    scores = data.draw(st.lists(st.lists(value, min_size=items, max_size=items), min_size=rows, max_size=rows))
    targets = data.draw(st.lists(st.integers(0, items - 1), min_size=rows, max_size=rows))
    removed = data.draw(st.lists(st.tuples(st.integers(0, rows - 1), st.integers(0, items - 1)), max_size=8))
    found = mid_ranks(
        torch.tensor(scores, dtype=torch.float32),
        torch.tensor(targets),
        torch.tensor(removed, dtype=torch.long).reshape(-1, 2),
    )
    expected = [brute_force(scores[row], targets[row], {item for at, item in removed if at == row}) for row in range(rows)]
    np.testing.assert_array_equal(found.numpy(), expected)


def test_the_target_is_never_removed() -> None:
    ranks = mid_ranks(torch.tensor([[3.0, 2.0, 1.0]]), torch.tensor([1]), torch.tensor([[0, 1], [0, 0]]))
    assert ranks.tolist() == [0.0]


def test_all_equal_scores_give_the_middle_not_the_top() -> None:
    assert mid_ranks(torch.zeros(1, 101), torch.tensor([0])).tolist() == [50.0]


def test_scores_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(EngineError, match="NaN"):
        mid_ranks(torch.tensor([[1.0, float("nan")]]), torch.tensor([0]))


def test_many_rows_are_ranked_piece_by_piece() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(200, 1000, generator=generator)
    scores[::3] = scores[::3].round()  # ties in every third row
    targets = torch.randint(0, 1000, (200,), generator=generator)
    wanted = scores[torch.arange(200), targets][:, None]
    expected = (scores > wanted).sum(dim=1) + 0.5 * ((scores == wanted).sum(dim=1) - 1)
    assert torch.equal(mid_ranks(scores.clone(), targets), expected.double())
