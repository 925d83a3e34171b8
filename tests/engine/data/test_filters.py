import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from engine.data.filters import core_mask, in_order, without_duplicates

pairs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=60)


def brute_force(rows: list[tuple[int, int]], core: int) -> list[int]:
    """Takes away one user or item after the other, in no clever order."""
    left = list(range(len(rows)))
    while True:
        for side in (0, 1):
            for code in {rows[row][side] for row in left}:
                own = [row for row in left if rows[row][side] == code]
                if len(own) < core:
                    left = [row for row in left if row not in own]
                    break
            else:
                continue
            break
        else:
            return left


@given(pairs, st.integers(0, 5))
def test_the_k_core_is_that_of_brute_force(rows: list[tuple[int, int]], core: int) -> None:
    user, item = (np.array([row[side] for row in rows], np.int32) for side in (0, 1))
    assert np.flatnonzero(core_mask(user, item, core)).tolist() == brute_force(rows, core)


def test_the_k_core_needs_more_than_one_round() -> None:
    # u2 falls for having one row, then i1 for having one left, then u1, then all.
    user, item = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 2, 1])
    assert not core_mask(user, item, 2).any()


small = st.integers(0, 2)


@given(
    st.lists(st.tuples(small, small, st.integers(0, 2**40), st.sampled_from([None, 1.0, 2.0])), min_size=1, max_size=40),
    st.booleans(),
)
def test_duplicates_are_those_of_a_set(rows: list[tuple[int, int, int, float | None]], coarse: bool) -> None:
    if coarse:
        rows = [(user, item, time % 2, weight) for user, item, time, weight in rows]
    frame = pl.DataFrame(
        rows, schema={"user": pl.Int32, "item": pl.Int32, "timestamp": pl.Int64, "weight": pl.Float32}, orient="row"
    )
    expected = sorted(dict.fromkeys(rows), key=lambda row: (row[0], row[2]))
    assert without_duplicates(in_order(frame)).rows() == expected


def test_order_holds_where_the_packed_key_has_no_room() -> None:
    frame = pl.DataFrame({"user": [2_000_000_000, 0, 0], "timestamp": [2**40, 2**40, 5], "fraction": [999, 0, 999]})
    assert in_order(frame).rows() == [(0, 5, 999), (0, 2**40, 0), (2_000_000_000, 2**40, 999)]
