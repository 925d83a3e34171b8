import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.search.stopping import PARTS, WAIT_FOR, LearningCurve, floors

HALF = PARTS // 2


def curve(*points: tuple[float, float]) -> LearningCurve:
    """Pairs of (how far, value)."""
    return LearningCurve([value for _, value in points], [at for at, _ in points])


def test_a_floor_is_the_median_of_the_best_until_then() -> None:
    curves = [
        curve((0.5, first), (1.0, second)) for first, second in ((0.1, 0.05), (0.2, 0.3), (0.3, 0.1), (0.4, 0.4), (0.5, 0.6))
    ]
    found = floors(curves)
    assert len(found) == PARTS
    assert set(found[:HALF]) == {0.0}, "nobody had been evaluated by then"
    assert set(found[HALF:]) == {0.3}, "what they show at their end is not yet known in the last part"


def test_a_late_first_evaluation_is_no_yardstick_for_an_early_one() -> None:
    """Slow architectures were evaluated once, at the end: better than what a fast one has half way, which says nothing."""
    slow = [curve((1.0, 0.58))] * 4
    fast = [curve((0.5, 0.54), (1.0, 0.6))] * WAIT_FOR
    assert floors([*slow, *fast])[HALF] == 0.54
    assert floors([*slow, *fast[:-1]]) == ()


def test_a_trial_that_was_ended_counts_until_there() -> None:
    ended = [curve((0.25, 0.1))] * WAIT_FOR
    whole = [curve((0.25, 0.3), (0.75, 0.4), (1.0, 0.4))] * WAIT_FOR
    found = floors([*ended, *whole])
    assert found[PARTS // 4] == pytest.approx(0.2)
    assert found[PARTS // 4 + 1] == 0.3
    assert found[-1] == 0.4


def test_nothing_is_stopped_before_enough_trials_got_there() -> None:
    assert floors([]) == ()
    assert floors([curve((0.5, 0.5), (1.0, 0.6))] * (WAIT_FOR - 1)) == ()
    assert floors([LearningCurve([0.5, 0.6], [])] * 9) == (), "runs of an earlier release do not say how far they were"


@given(st.lists(st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=5), max_size=9))
def test_floors_never_fall_where_the_same_trials_got_on(values: list[list[float]]) -> None:
    curves = [LearningCurve(each, [(place + 1) / len(each) for place in range(len(each))]) for each in values]
    found = [floor for floor in floors(curves) if floor]
    if len({len(each) for each in values}) == 1:
        assert found == sorted(found), "the best so far of each trial never falls"
