import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.collaborative.negatives import NegativeSampler
from tests.engine.collaborative.test_graph import HISTORIES, ITEMS, sequences


@given(HISTORIES, st.integers(0, 1000))
def test_negatives_are_unknown_to_their_user(histories: list[list[int]], seed: int) -> None:
    sampler = NegativeSampler(sequences(histories), ITEMS)
    users = np.arange(len(histories)).repeat(3)
    drawn = sampler.draw(users, 5, np.random.default_rng(seed))
    assert drawn.shape == (len(users), 5)
    assert drawn.min() >= 0
    assert drawn.max() < ITEMS
    for user, row in zip(users, drawn, strict=True):
        if len(set(histories[user])) < ITEMS:
            assert not set(row.tolist()) & set(histories[user])


def test_all_unknown_items_are_drawn_equally_often() -> None:
    sampler = NegativeSampler(sequences([[5, 1, 1], [0, 1, 2, 3, 4, 5]]), ITEMS)
    drawn = sampler.draw(np.zeros(8000, dtype=np.int64), 1, np.random.default_rng(0))
    counts = np.bincount(drawn.ravel(), minlength=ITEMS)
    assert counts[[1, 5]].sum() == 0
    np.testing.assert_allclose(counts[[0, 2, 3, 4]], 2000, rtol=0.1)
