"""Paired comparison: known cases, and what p-values and intervals must do on simulated data."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from engine.errors import UserError
from engine.evaluation.compare import RankTable, paired, read_ranks, user_values


def table(ranks: list[float] | NDArray[np.float64], first_user: int = 0) -> RankTable:
    return RankTable(np.arange(first_user, first_user + len(ranks), dtype=np.int32), np.asarray(ranks, dtype=np.float64))


def test_values_of_single_users() -> None:
    ranks = table([0.0, 2.0, 9.5, 10.0])
    assert user_values(ranks, "ndcg@10") == pytest.approx([1.0, 0.5, 1 / np.log2(11.5), 0.0])
    assert user_values(ranks, "hr@10").tolist() == [1.0, 1.0, 1.0, 0.0]
    assert user_values(ranks, "hr@1").tolist() == [1.0, 0.0, 0.0, 0.0]
    for wrong in ("coverage@10", "ndcg", "ndcg@0", "ndcg@x"):
        with pytest.raises(UserError, match="not a metric of single users"):
            user_values(ranks, wrong)


def test_means_over_seeds_and_their_deviation() -> None:
    found = paired([table([0.0, 99.0]), table([0.0, 0.0])], [table([99.0, 99.0]), table([99.0, 0.0])], "hr@10")
    assert (found.mean_a, found.mean_b, found.difference, found.users) == (0.75, 0.25, 0.5, 2)
    assert (found.seeds_a, found.seeds_b) == ([0.5, 1.0], [0.0, 0.5])
    assert found.deviation_a == pytest.approx(0.5**0.5 / 2)
    assert found.relative == pytest.approx(2.0)


def test_the_same_run_differs_in_nothing() -> None:
    ranks = table(np.arange(50.0))
    found = paired([ranks], [ranks])
    assert (found.difference, found.low, found.high, found.p, found.relative) == (0.0, 0.0, 0.0, 1.0, 0.0)
    assert found.deviation_a is None


def test_a_difference_at_every_user_is_sure() -> None:
    found = paired([table(np.zeros(40))], [table(np.full(40, 2.0))])
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))
    assert (found.relative_low, found.relative_high) == pytest.approx((1.0, 1.0))
    assert found.p < 0.001


def test_nothing_to_divide_by() -> None:
    found = paired([table([0.0, 0.0])], [table([50.0, 50.0])])
    assert (found.relative, found.relative_low, found.relative_high) == (None, None, None)


def test_the_exact_p_of_few_users() -> None:
    """Six users, all better: 2 of the 64 sign patterns are as extreme."""
    found = paired([table(np.zeros(6))], [table(np.full(6, 50.0))], "hr@10")
    assert found.p == pytest.approx(2 / 64, abs=0.01)


def test_the_sides_swap() -> None:
    generator = np.random.default_rng(0)
    one, other = table(generator.integers(0, 30, 300)), table(generator.integers(0, 40, 300))
    forth, back = paired([one], [other]), paired([other], [one])
    assert forth.difference == -back.difference
    assert forth.p == back.p
    assert forth.low == pytest.approx(-back.high)


def test_the_same_seed_gives_the_same_numbers() -> None:
    generator = np.random.default_rng(0)
    one, other = table(generator.integers(0, 30, 300)), table(generator.integers(0, 40, 300))
    assert paired([one], [other], seed=3) == paired([one], [other], seed=3)
    assert paired([one], [other], seed=3) != paired([one], [other], seed=4)


def test_only_some_users() -> None:
    found = paired([table([0.0, 0.0, 99.0])], [table([0.0, 99.0, 0.0])], "hr@10", users=np.array([1, 7], np.int32))
    assert (found.users, found.difference) == (1, 1.0)
    with pytest.raises(UserError, match="No user is left"):
        paired([table([0.0])], [table([0.0])], users=np.array([5], np.int32))


def test_other_users_cannot_be_paired() -> None:
    for other in (table([0.0, 1.0], first_user=1), table([0.0])):
        with pytest.raises(UserError, match="different users"):
            paired([table([0.0, 1.0])], [other])
    with pytest.raises(UserError, match="nothing to compare"):
        paired([], [table([0.0])])


def test_null_data_gives_even_p_values() -> None:
    """Two runs of one kind: p lies below .05 in about 5 % of the cases, and below .5 in about half of them."""
    generator = np.random.default_rng(1)
    values = np.array(
        [paired([table(generator.exponential(20, 150))], [table(generator.exponential(20, 150))]).p for _ in range(200)]
    )
    assert 0.005 <= (values < 0.05).mean() <= 0.11
    assert 0.39 <= (values < 0.5).mean() <= 0.61


def test_the_interval_covers_the_truth_about_95_times_in_100() -> None:
    """hr@10 of 200 users, truly .4 against .3, paired: half of the users share their luck."""
    generator = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        shared, luck = generator.random(200) < 0.5, generator.random((2, 200))
        luck[1, shared] = luck[0, shared]
        ranks = [np.where(luck[side] < chance, 0.0, 99.0) for side, chance in enumerate((0.4, 0.3))]
        found = paired([table(ranks[0])], [table(ranks[1])], "hr@10")
        covered += found.low <= 0.1 <= found.high
    assert 0.90 <= covered / 200 <= 0.99


def test_reading_stored_ranks(tmp_path: Path) -> None:
    pl.DataFrame({"user": [4, 2], "rank": [1.5, 0.0]}).write_parquet(tmp_path / "ranks.parquet")
    found = read_ranks(tmp_path / "ranks.parquet")
    assert (found.users.tolist(), found.ranks.tolist()) == ([2, 4], [0.0, 1.5])
    pl.DataFrame({"user": [2, 2], "rank": [1.5, 0.0]}).write_parquet(tmp_path / "twice.parquet")
    pl.DataFrame({"user": [1, 2], "rank": [1.5, None]}).write_parquet(tmp_path / "missing.parquet")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1")
    for name in ("twice", "missing", "damaged", "nowhere"):
        with pytest.raises(UserError):
            read_ranks(tmp_path / f"{name}.parquet")
