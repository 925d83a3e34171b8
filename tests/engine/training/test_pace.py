import pytest

from engine.training.pace import Pace


def test_the_pace_is_that_of_this_process() -> None:
    pace = Pace()
    assert pace.whole(0.5, 1000.0) is None, "an earlier attempt took 1000 s for the first half"
    assert pace.whole(0.5, 1001.0) is None
    assert pace.whole(0.6, 1010.0) == pytest.approx(100.0)
