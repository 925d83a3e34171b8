"""Paired comparison of many runs at once, over the same users. No torch here.

The questions are those of :mod:`engine.evaluation.compare`. All pairs share one set of resamples and one set of sign flips, so
that a handful of matrix products answers them: a sum over users of (a - b) is the sum of a less the sum of b, for any weights
of the users. Each pair alone is tested as if it had draws of its own; only the pairs among each other depend on the same luck.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.evaluation.compare import LEVEL, RESAMPLES, Floats, RankTable, user_values

FLIPS_A_PAIR = 100
"""Sign flips for each pair, so that the smallest corrected p, about one in so many, can still be told from chance."""
MOST_FLIPS = 20_000
_NUMBERS_AT_ONCE = 8_000_000
_SLACK = 1e-9

Places = NDArray[np.int64]


class Pair(NamedTuple):
    """One pair of runs.

    Attributes:
        a, b: their places in the list of tables.
        difference: mean of a - mean of b, over users.
        low, high: its 95 % bootstrap interval over users, of this pair alone.
        p: two-sided, of a sign-flip permutation test over users, of this pair alone.
        corrected: p after Holm's correction for all pairs asked for together.
    """

    a: int
    b: int
    difference: float
    low: float
    high: float
    p: float
    corrected: float


def paired_many(
    tables: Sequence[RankTable], pairs: Sequence[tuple[int, int]], metric: str = "ndcg@10", seed: int = 0
) -> list[Pair]:
    """Compare ``pairs`` of ``tables`` (by their places), in that order; the same ``seed`` gives the same numbers.

    Raises:
        UserError: the tables are not of the same users, there are no users, or the metric is unknown.
    """
    if not pairs:
        return []
    if any(not np.array_equal(table.users, tables[0].users) for table in tables):
        raise UserError(
            "The runs were evaluated on different users, so they cannot be compared in pairs.",
            "Compare runs on the same version and split.",
        )
    count = len(tables[0].users)
    if not count:
        raise UserError("No user is left to compare on.", "Compare runs that were evaluated on somebody.")
    values = np.stack([user_values(table, metric) for table in tables], axis=1)
    # A user for whom every run has 0 changes no sum: most users, where the lists are short and the catalogue is large.
    active = np.ascontiguousarray(values[values.any(axis=1)])
    generator = np.random.default_rng(seed)
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    means = values.mean(axis=0)
    differences = means[first] - means[second]
    lows, highs = _intervals(active, count, first, second, generator)
    ps = _sign_flips(active, first, second, generator)
    lines = zip(pairs, differences.tolist(), lows.tolist(), highs.tolist(), ps, holm(ps), strict=True)
    return [Pair(a, b, *numbers) for (a, b), *numbers in lines]


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): the chance of even one false finding among all stays below the level.

    Returns the corrected values in the order of ``ps``; each is at least its p, and at most 1.
    """
    corrected = [0.0] * len(ps)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(ps)), key=lambda index: ps[index])):
        highest = max(highest, min(1.0, ps[index] * (len(ps) - place)))
        corrected[index] = highest
    return corrected


def _intervals(
    active: Floats, count: int, first: Places, second: Places, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """The ends of the percentile bootstrap interval of each pair, over ``count`` users drawn with replacement."""
    size = len(active)
    parts = []
    for rows in _chunks(RESAMPLES, size):
        # How many of the drawn users are active, and then which: as if all had been drawn.
        weights = np.empty((rows, size))
        for row, drawn in enumerate(generator.binomial(count, size / count, size=rows)):
            places = generator.integers(0, max(size, 1), size=drawn, dtype=np.int32)
            weights[row] = np.bincount(places, minlength=size)
        parts.append(weights @ active / count)
    means = np.concatenate(parts)
    edges = [50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL)]
    ends = [np.percentile(means[:, a] - means[:, b], edges) for a, b in zip(first, second, strict=True)]
    lows, highs = np.array(ends).T
    return lows, highs


def _sign_flips(active: Floats, first: Places, second: Places, generator: np.random.Generator) -> list[float]:
    """The p-value of each pair, (c + 1) / (n + 1) as in :func:`engine.evaluation.compare.paired`."""
    total = min(MOST_FLIPS, max(RESAMPLES, FLIPS_A_PAIR * len(first)))
    sums = active.sum(axis=0)
    # Sums in another order differ in their last bits.
    reach = np.abs(sums[first] - sums[second]) - _SLACK * (sums[first] + sums[second])
    extreme = np.zeros(len(first), np.int64)
    for rows in _chunks(total, len(active)):
        bits = np.frombuffer(generator.bytes(-(-rows * len(active) // 8)), np.uint8)
        signs = np.unpackbits(bits, count=rows * len(active)).reshape(rows, len(active)).astype(np.float64)
        flipped = 2 * (signs @ active) - sums
        extreme += (np.abs(flipped[:, first] - flipped[:, second]) >= reach).sum(axis=0)
    return [float(value) for value in (extreme + 1) / (total + 1)]


def _chunks(total: int, width: int) -> Iterator[int]:
    """Row counts that sum to ``total``, each so small that its matrix of ``width`` columns fits in memory."""
    rows = max(1, _NUMBERS_AT_ONCE // max(width, 1))
    for start in range(0, total, rows):
        yield min(rows, total - start)
