from hypothesis import given
from hypothesis import strategies as st

from engine.run import spread


@given(total=st.integers(0, 300), count=st.integers(0, 310))
def test_places_are_within_range_and_none_twice(total: int, count: int) -> None:
    found = spread(total, count)
    assert len(found) == len(set(found)) == min(total, count)
    assert all(0 <= place < total for place in found)


@given(total=st.integers(1, 5000), few=st.integers(0, 20), more=st.integers(0, 20))
def test_fewer_samples_are_the_first_of_more(total: int, few: int, more: int) -> None:
    assert spread(total, few + more)[:few] == spread(total, few)[:few]


def test_they_lie_evenly() -> None:
    assert spread(1000, 8) == [0, 500, 250, 750, 125, 625, 375, 875]
