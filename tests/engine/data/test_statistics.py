import numpy as np
import pytest

from engine.data.statistics import repeat_share, summarise

USER = np.array([0, 0, 0, 1], np.int32)
ITEM = np.array([1, 2, 1, 1], np.int32)


def test_only_the_same_user_repeats() -> None:
    assert repeat_share(USER, ITEM, 4) == pytest.approx(0.25)
    assert repeat_share(USER[1:], ITEM[1:], 4) == 0


def test_the_summary() -> None:
    summary = summarise(USER, ITEM, np.array([5, 6, 9, 2]), 2, 4)
    assert (summary.shortest, summary.median, summary.longest) == (1, 2.0, 3)
    assert (summary.density, summary.unused_items) == (0.5, 2)
    assert (summary.first_time, summary.last_time) == (2, 9)
