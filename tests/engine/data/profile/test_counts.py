import itertools
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.profile import profile_version
from engine.data.profile.counts import distribution, growing_bounds, histogram, quantiles
from engine.data.version import Version
from tests.engine.data.builders import Row
from tests.engine.data.profile.made import ROWS, made

WHOLE = st.lists(st.integers(0, 2000), min_size=1, max_size=60)


@given(WHOLE)
def test_quantiles_are_those_of_numpy(values: list[int]) -> None:
    found = quantiles(np.array(values))
    assert (found.minimum, found.maximum) == (min(values), max(values))
    assert found.mean == pytest.approx(np.mean(values))
    for name, share in {"p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99}.items():
        assert getattr(found, name) == pytest.approx(np.quantile(values, share)), name


@given(WHOLE, st.lists(st.integers(1, 500), unique=True, max_size=8))
def test_a_histogram_counts_each_value_once(values: list[int], bounds: list[int]) -> None:
    bins = histogram(np.array(values), [0, *sorted(bounds)])
    assert [bin.count for bin in bins] == [sum(bin.low <= value <= bin.high for value in values) for bin in bins]
    assert sum(bin.count for bin in bins) == len(values)
    assert bins[0].count
    assert bins[-1].high == max(values)
    assert all(one.high + 1 == other.low for one, other in itertools.pairwise(bins))


def test_a_histogram_of_nothing_is_empty() -> None:
    assert histogram(np.array([], np.int64), [1, 2]) == []


@given(st.integers(0, 10**9))
def test_growing_bounds_are_few_and_start_at_nothing(largest: int) -> None:
    bounds = growing_bounds(largest)
    assert bounds[0] == 0
    assert bounds == sorted(set(bounds))
    assert bounds[-1] <= largest
    assert len(bounds) <= 31


def test_small_numbers_have_bins_of_their_own() -> None:
    found = distribution(np.array([0, 1, 1, 2, 3]))
    assert [(bin.low, bin.high, bin.count) for bin in found.histogram] == [(0, 0, 1), (1, 1, 2), (2, 2, 1), (3, 3, 1)]


@given(ROWS, st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_popularity_repeats_and_lengths_by_brute_force(rows: list[Row], unused: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        version = made(rows, Path(folder) / "version", unused=unused)
    profile = profile_version(version)
    kept = _kept(version)
    of_item = Counter(item for _, item in kept)
    counts = [of_item[name] for name in version.item_ids]

    assert profile.lengths.quantiles.mean == pytest.approx(len(kept) / len({user for user, _ in kept}))
    popularity = profile.popularity
    assert popularity.gini == pytest.approx(_gini(counts))
    assert popularity.unused_items == counts.count(0) == unused
    assert popularity.cold_items == sum(1 <= count <= 4 for count in counts)
    assert sum(bin.count for bin in popularity.items_by_interactions) == len(counts)
    assert [(top.id, top.interactions) for top in popularity.top] == sorted(
        zip(version.item_ids, counts, strict=True), key=lambda pair: (-pair[1], pair[0])
    )[:10]
    falling = sorted(counts, reverse=True)
    assert (popularity.curve[0].items, popularity.curve[0].interactions) == (0, 0)
    for point in popularity.curve:
        best = falling[: round(point.items * len(counts))]
        assert point.interactions == pytest.approx(sum(best) / len(kept))
    assert popularity.curve[-1].interactions == 1

    lags = _lags(kept)
    assert profile.repeats.interactions == len(lags)
    assert profile.repeats.share == pytest.approx(len(lags) / len(kept))
    for bin in profile.repeats.by_lag:
        assert bin.count == sum(bin.low <= lag <= bin.high for lag in lags)
    assert sum(bin.count for bin in profile.repeats.by_lag) == len(lags)


def test_all_items_alike_have_a_gini_of_nothing_and_one_item_nearly_one(tmp_path: Path) -> None:
    even = made([("a", "x", 1), ("b", "y", 2)], tmp_path / "even")
    uneven = made([("a", "x", 1), ("b", "x", 2)], tmp_path / "uneven", unused=999)
    assert profile_version(even).popularity.gini == pytest.approx(0)
    assert profile_version(uneven).popularity.gini == pytest.approx(0.999)


def _kept(version: Version) -> list[tuple[int, str]]:
    return [(int(user), version.item_ids[item]) for user, item in zip(version.user, version.item, strict=True)]


def _lags(rows: Sequence[tuple[int, str]]) -> list[int]:
    lags = []
    for user in {user for user, _ in rows}:
        items = [item for owner, item in rows if owner == user]
        for place, item in enumerate(items):
            if item in items[:place]:
                lags.append(items[:place][::-1].index(item) + 1)
    return lags


def _gini(counts: Sequence[int]) -> float:
    """Half the mean difference of all pairs, over the mean."""
    differences = [abs(one - other) for one in counts for other in counts]
    return sum(differences) / len(differences) / 2 / (sum(counts) / len(counts))
