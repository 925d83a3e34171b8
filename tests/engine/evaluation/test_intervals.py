"""Intervals of means over users, against drawing users one by one."""

import time

import numpy as np
import pytest

from engine.evaluation.compare import RESAMPLES
from engine.evaluation.intervals import ALL_METRICS, METHOD, mean_intervals
from engine.evaluation.metrics import per_user


def make_ranks(users: int, seed: int = 1) -> "np.typing.NDArray[np.float64]":
    """Skewed, with half ranks (ties)."""
    return np.floor(np.random.default_rng(seed).exponential(12, users) * 2) / 2


@pytest.mark.parametrize("users", [7, 40, 600])
def test_as_if_users_were_drawn_one_by_one(users: int) -> None:
    ranks = make_ranks(users)
    found = mean_intervals(ranks)
    generator = np.random.default_rng(2)
    drawn = ranks[generator.integers(0, users, (RESAMPLES, users))]
    assert set(found) == set(ALL_METRICS)
    for name in ALL_METRICS:
        base, _, cutoff = name.partition("@")
        means = per_user(base, drawn, int(cutoff)).mean(axis=1)
        slow = np.percentile(means, [2.5, 97.5])
        # Both are drawn: their ends differ by the noise of a percentile over RESAMPLES means (.06 sd), hit rates by whole users.
        whole = 1.01 / users if base == "hr" else 0
        assert found[name] == pytest.approx(slow, abs=0.25 * means.std() + whole), name


def test_about_two_standard_errors_for_many_users() -> None:
    ranks = make_ranks(20_000)
    low, high = mean_intervals(ranks, ["ndcg@10"])["ndcg@10"]
    values = per_user("ndcg", ranks, 10)
    error = values.std() / len(values) ** 0.5
    assert low < values.mean() < high
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.05)


def test_the_same_every_time_and_cheap_whatever_the_number_of_users() -> None:
    ranks = make_ranks(100_000)
    begin = time.monotonic()
    assert mean_intervals(ranks) == mean_intervals(ranks)
    assert time.monotonic() - begin < 2


def test_no_users_have_no_interval_and_equal_users_no_width() -> None:
    assert mean_intervals(np.empty(0)) == {}
    assert mean_intervals(np.zeros(5), ["hr@1"]) == {"hr@1": (1.0, 1.0)}
    assert mean_intervals(np.full(5, 999.0), ["hr@10"]) == {"hr@10": (0.0, 0.0)}


def test_the_method_is_said_in_words() -> None:
    assert METHOD == "95 % percentile bootstrap over users, 4,000 resamples"
