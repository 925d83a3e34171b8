import time
from itertools import combinations

import numpy as np
import pytest

from engine.errors import UserError
from engine.evaluation.compare import RankTable, paired
from engine.evaluation.many import holm, paired_many


def table(seed: int, users: int = 400, better: float = 1.0) -> RankTable:
    ranks = np.floor(np.random.default_rng(seed).exponential(15 * better, users))
    return RankTable(np.arange(users, dtype=np.int32), ranks)


@pytest.mark.parametrize("metric", ["ndcg@10", "hr@10", "mrr@5"])
def test_it_says_what_the_comparison_of_two_says(metric: str) -> None:
    tables = [table(0), table(1, better=1.3), table(2, better=1.5), table(3, better=3.0)]
    pairs = list(combinations(range(4), 2))
    found = paired_many(tables, pairs, metric)
    assert [(line.a, line.b) for line in found] == pairs
    for line in found:
        alone = paired([tables[line.a]], [tables[line.b]], metric)
        width = alone.high - alone.low
        assert line.difference == pytest.approx(alone.difference, abs=1e-12)
        assert line.low == pytest.approx(alone.low, abs=0.05 * width)
        assert line.high == pytest.approx(alone.high, abs=0.05 * width)
        # Both are counts out of 4,000 draws: five standard errors.
        assert line.p == pytest.approx(alone.p, abs=5 * (2 * max(alone.p, 1e-3) / 4000) ** 0.5)


def test_the_permutation_test_is_exact_for_few_users() -> None:
    """With users 0 and 1 apart, 2 of 4 sign patterns are as far from 0 as what was seen."""
    users = np.arange(3, dtype=np.int32)
    hit, miss = RankTable(users, np.array([0.0, 0.0, 50.0])), RankTable(users, np.array([50.0, 50.0, 50.0]))
    (line,) = paired_many([hit, miss], [(0, 1)], "hr@10")
    assert line.p == pytest.approx(0.5, abs=0.04)
    assert (line.low, line.high) == (0.0, 1.0)


def test_equal_runs_are_not_different() -> None:
    first = table(0)
    (line,) = paired_many([first, first], [(0, 1)])
    assert (line.difference, line.low, line.high, line.p) == (0.0, 0.0, 0.0, 1.0)


def test_runs_without_any_hit() -> None:
    nothing = RankTable(np.arange(5, dtype=np.int32), np.full(5, 99.0))
    (line,) = paired_many([nothing, nothing], [(0, 1)])
    assert (line.difference, line.low, line.high, line.p) == (0.0, 0.0, 0.0, 1.0)


def test_the_same_question_has_the_same_answer() -> None:
    tables = [table(seed) for seed in range(3)]
    assert paired_many(tables, [(0, 1), (1, 2)]) == paired_many(tables, [(0, 1), (1, 2)])


def test_other_users_are_refused() -> None:
    with pytest.raises(UserError, match="different users"):
        paired_many([table(0), table(1, users=300)], [(0, 1)])
    assert paired_many([table(0)], []) == []
    empty = RankTable(np.empty(0, np.int32), np.empty(0))
    with pytest.raises(UserError, match="No user"):
        paired_many([empty, empty], [(0, 1)])
    with pytest.raises(UserError, match="not a metric of single users"):
        paired_many([table(0), table(1)], [(0, 1)], "coverage@10")


def test_holm_against_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


def test_false_findings_are_rare_among_equals() -> None:
    """Twelve runs that differ by chance only: of 66 pairs about three have p < .05; after the correction, none here."""
    tables = [table(seed) for seed in range(12)]
    found = paired_many(tables, list(combinations(range(12), 2)))
    assert min(line.corrected for line in found) > 0.05
    assert all(line.corrected >= line.p for line in found)


def test_twenty_runs_of_a_hundred_thousand_users_take_seconds() -> None:
    tables = [table(seed, users=100_000, better=10) for seed in range(20)]
    begin = time.process_time()
    paired_many(tables, list(combinations(range(20), 2)))
    took = time.process_time() - begin
    print(f"190 pairs of 100,000 users: {took:.1f} s of processor time")
    assert took < 60
