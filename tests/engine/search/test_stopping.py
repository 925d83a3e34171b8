import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.search.stopping import WAIT_FOR, floors

CURVES = st.lists(st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=5), max_size=9)


def test_a_floor_is_the_median_of_the_best_so_far() -> None:
    curves = [[0.1, 0.05], [0.2, 0.3], [0.3, 0.1], [0.4, 0.4], [0.5]]
    assert floors(curves) == (0.3,), "only four got as far as the second evaluation"
    assert floors([*curves, [0.6, 0.2]]) == (pytest.approx(0.35), 0.3)


def test_nothing_is_stopped_before_enough_trials_got_there() -> None:
    assert floors([]) == ()
    assert floors([[0.5, 0.6]] * (WAIT_FOR - 1)) == ()


@given(CURVES)
def test_floors_never_fall_where_the_same_trials_got_on(curves: list[list[float]]) -> None:
    found = floors(curves)
    assert len(found) <= max(map(len, curves), default=0)
    if len({len(curve) for curve in curves}) == 1:
        assert list(found) == sorted(found), "the best so far of each trial never falls"
