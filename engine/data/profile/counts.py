"""Whole numbers as distributions; popularity and repeats."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.profile.model import Bin, Distribution, ItemCount, Point, Popularity, Quantiles, Repeats
from engine.data.statistics import pair_lags
from engine.data.version import Version

Whole = npt.NDArray[np.int64] | npt.NDArray[np.int32]
_SHARES = {"p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99}
_COLD = (1, 4)
_ITEM_BINS = (0, 1, 2, 5, 10, 30)
_LAG_BINS = (1, 2, 3, 6, 11, 21, 51, 101)
_CURVE = 50
_TOP = 10


def quantiles(values: Whole) -> Quantiles:
    """Quantiles of one or more whole numbers, interpolated between neighbours."""
    ordered = pl.Series(values).sort().to_numpy()  # several threads, and much faster than NumPy here
    places = {name: share * (len(ordered) - 1) for name, share in _SHARES.items()}
    found = {name: float(np.interp(place % 1, [0, 1], _pair(ordered, int(place)))) for name, place in places.items()}
    return Quantiles(minimum=float(ordered[0]), maximum=float(ordered[-1]), mean=float(ordered.mean()), **found)


def distribution(values: Whole) -> Distribution:
    """Quantiles and histogram of one or more whole numbers, 0 or more."""
    return Distribution(quantiles=quantiles(values), histogram=histogram(values, growing_bounds(int(values.max()))))


def growing_bounds(largest: int, bins: int = 30) -> list[int]:
    """First values of at most about ``bins`` bins for 0 to ``largest``: single values first, then ever wider."""
    return [0, *sorted({int(bound) for bound in np.geomspace(1, largest + 1, bins + 1)[:-1]})] if largest else [0]


def histogram(values: Whole, bounds: Sequence[int]) -> list[Bin]:
    """Bins that start at ``bounds``, the last one ends at the largest value; empty ones at the two ends are left out."""
    if not len(values):
        return []
    largest = int(values.max())
    starts = [bound for bound in bounds if bound <= largest]
    ends = [start - 1 for start in starts[1:]] + [largest]
    counts = np.add.reduceat(np.bincount(values), starts)
    while len(starts) > 1 and not counts[0]:
        starts, ends, counts = starts[1:], ends[1:], counts[1:]
    return [Bin(low=low, high=high, count=int(count)) for low, high, count in zip(starts, ends, counts, strict=True)]


def popularity(version: Version, of_item: npt.NDArray[np.int64]) -> Popularity:
    """The spread of interactions over items; ``of_item`` is the number of interactions of each item, `items`."""
    order = np.argsort(-of_item, kind="stable")
    summed = np.concatenate([[0], np.cumsum(of_item[order])])
    places = np.unique(np.geomspace(1, len(of_item), _CURVE).round().astype(int))
    points = [Point(items=0, interactions=0)]
    points += [Point(items=float(place / len(of_item)), interactions=float(summed[place] / summed[-1])) for place in places]
    top = version.items.select("id", "title")[order[:_TOP]].iter_rows(named=True)
    return Popularity(
        gini=_gini(of_item[order[::-1]]),
        curve=points,
        items_by_interactions=histogram(of_item, _ITEM_BINS),
        unused_items=int((of_item == 0).sum()),
        cold_items=int(((of_item >= _COLD[0]) & (of_item <= _COLD[1])).sum()),
        top=[ItemCount(**row, interactions=int(of_item[place])) for row, place in zip(top, order, strict=False)],
    )


def repeats(version: Version) -> Repeats:
    """How often users come back to an item, and after how many interactions."""
    lags = pair_lags(version.user, version.item, version.items.height)
    return Repeats(interactions=len(lags), share=len(lags) / len(version.item), by_lag=histogram(lags, _LAG_BINS))


def _gini(ascending: npt.NDArray[np.int64]) -> float:
    ranks = np.arange(1, len(ascending) + 1)
    return float(2 * (ranks * ascending).sum() / (len(ascending) * ascending.sum()) - (len(ascending) + 1) / len(ascending))


def _pair(ordered: Whole, place: int) -> list[float]:
    return [float(ordered[place]), float(ordered[min(place + 1, len(ordered) - 1)])]
