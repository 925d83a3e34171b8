import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.methods.bert4rec.masks import draw_masks


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    probability=st.floats(0.01, 1),
    last_share=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_each_window_has_a_mask_and_none_behind_its_end(
    lengths: list[int], probability: float, last_share: float, seed: int
) -> None:
    masked = draw_masks(np.array(lengths), 9, probability, last_share, np.random.default_rng(seed))
    for row, length in zip(masked, lengths, strict=True):
        assert row[:length].any()
        assert not row[length:].any()
    again = draw_masks(np.array(lengths), 9, probability, last_share, np.random.default_rng(seed))
    assert (masked == again).all()


def test_the_share_of_masks_is_the_probability() -> None:
    masked = draw_masks(np.full(2000, 50), 50, 0.3, 0.0, np.random.default_rng(0))
    assert abs(masked.mean() - 0.3) < 0.01
    assert np.abs(masked.mean(axis=0) - 0.3).max() < 0.06


def test_the_last_item_alone_is_masked_in_its_share_of_windows() -> None:
    lengths = np.random.default_rng(1).integers(5, 50, 2000)
    masked = draw_masks(lengths, 50, 0.5, 0.25, np.random.default_rng(0))
    only_last = (masked.sum(axis=1) == 1) & masked[np.arange(2000), lengths - 1]
    assert abs(only_last.mean() - 0.25) < 0.03
    always = draw_masks(lengths, 50, 0.5, 1.0, np.random.default_rng(0))
    assert (always == (np.arange(50) == lengths[:, None] - 1)).all()
