"""Paired comparison of runs over the same users. No torch here.

Two uncertainties exist. The interval and the p-value are over **users**: would the difference hold for other users of the same
kind, with just these trained models? They do not see the noise of **training**: another seed gives another model. Average over
several seeds for that (each user's value is then the mean over the seeds) and look at the means of the single seeds and their
standard deviation, which stand beside: a difference not larger than those deviations can come from luck in training,
however small its p.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UserError
from engine.evaluation.metrics import per_user

METRIC_NAMES = ("hr", "ndcg", "mrr")
RESAMPLES = 4000
LEVEL = 0.95
_NUMBERS_AT_ONCE = 4_000_000
_FAR = 1e9

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RankTable:
    """The ranks of one run's targets.

    Attributes:
        users: `n`, indexes within the version, sorted, none twice.
        ranks: `n`, 0-based mid-ranks.
    """

    users: NDArray[np.int32]
    ranks: Floats


class Comparison(BaseModel):
    """``a`` against ``b`` on the same users, by one metric; the mean over seeds of each user's value is compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    users: int = Field(description="users compared")
    mean_a: float
    mean_b: float
    difference: float = Field(description="mean_a - mean_b")
    low: float = Field(description="lower end of the 95 % bootstrap interval of the difference, over users")
    high: float
    relative: float | None = Field(description="difference / mean_b; None where mean_b is 0")
    relative_low: float | None = Field(description="lower end of its 95 % bootstrap interval")
    relative_high: float | None
    p: float = Field(description="two-sided p-value of a sign-flip permutation test over users")
    seeds_a: list[float] = Field(description="the mean over users of each seed")
    seeds_b: list[float]
    deviation_a: float | None = Field(description="standard deviation over seeds (n - 1); None with a single seed")
    deviation_b: float | None


def read_ranks(source: Path | IO[bytes]) -> RankTable:
    """Read what ``Evaluation.save_ranks`` wrote; raises UserError if it is no such table."""
    try:
        table = pl.read_parquet(source, columns=["user", "rank"], glob=False).sort("user")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{source}: cannot be read as a table of ranks ({error}).", "Run the evaluation again.") from error
    users = table["user"].cast(pl.Int32).to_numpy()
    ranks = table["rank"].cast(pl.Float64).to_numpy()
    if (np.diff(users) <= 0).any() or table.null_count().sum_horizontal().item() or not (ranks >= 0).all():
        raise UserError(f"{source}: a user stands there twice, or a rank is missing or below 0.", "Run the evaluation again.")
    return RankTable(users, ranks)


def user_values(table: RankTable, metric: str) -> Floats:
    """`n`: the value of ``metric`` (``ndcg@10``) for each user; raises UserError for a metric that no user has alone."""
    name, _, cutoff = metric.partition("@")
    if name not in METRIC_NAMES or not cutoff.isdecimal() or int(cutoff) < 1:
        raise UserError(
            f"{metric!r}: not a metric of single users.", f"Write one of {', '.join(METRIC_NAMES)} with a cut-off: ndcg@10."
        )
    return per_user(name, table.ranks, int(cutoff))


def paired(
    a: Sequence[RankTable],
    b: Sequence[RankTable],
    metric: str = "ndcg@10",
    seed: int = 0,
    users: NDArray[np.int32] | None = None,
) -> Comparison:
    """Compare two methods, each by the rank tables of its seeds, over the same users.

    The interval is the percentile bootstrap over users (Efron and Tibshirani, 1993, chapter 13); p is (c + 1) / (n + 1), with c
    the number of n random sign flips of the users' differences whose mean is at least as far from 0 (Phipson and Smyth, 2010).
    Neither sees the noise of training: look at ``seeds_a``, ``seeds_b`` and their deviations too (see the module's docstring).

    Args:
        a, b: one table a seed; the numbers of seeds may differ.
        users: compare these users only (a slice, see ``slices.py``), or all.

    Raises:
        UserError: the tables are not of the same users, no user is left, or the metric is unknown.
    """
    if not a or not b:
        raise UserError("There is nothing to compare: a side has no rank table.", "Give at least one run for each side.")
    if any(not np.array_equal(table.users, a[0].users) for table in (*a, *b)):
        raise UserError(
            "The runs were evaluated on different users, so they cannot be compared in pairs.",
            "Compare runs on the same version and split.",
        )
    kept = np.ones(len(a[0].users), bool) if users is None else np.isin(a[0].users, users)
    if not kept.any():
        raise UserError("No user is left to compare on.", "Choose a slice that has users in this version.")
    values_a = np.stack([user_values(table, metric)[kept] for table in a])
    values_b = np.stack([user_values(table, metric)[kept] for table in b])
    return _compare(metric, values_a, values_b, np.random.default_rng(seed))


def _compare(metric: str, values_a: Floats, values_b: Floats, generator: np.random.Generator) -> Comparison:
    mean_a, mean_b = values_a.mean(axis=0), values_b.mean(axis=0)
    difference = float(mean_a.mean() - mean_b.mean())
    differences, references = _resampled(mean_a - mean_b, mean_b, generator)
    edges = [50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL)]
    low, high = np.percentile(differences, edges)
    relative: list[float | None] = [None, None, None]
    if mean_b.mean() > 0:
        # A resample without a single hit of b has no ratio: its difference alone says to which end it belongs.
        ratios = _FAR * np.sign(differences)
        np.divide(differences, references, out=ratios, where=references > 0)
        ends = np.percentile(ratios, edges)
        relative = [difference / float(mean_b.mean()), float(ends[0]), float(ends[1])]
    return Comparison(
        metric=metric,
        users=len(mean_a),
        mean_a=float(mean_a.mean()),
        mean_b=float(mean_b.mean()),
        difference=difference,
        low=float(low),
        high=float(high),
        relative=relative[0],
        relative_low=relative[1],
        relative_high=relative[2],
        p=_sign_flip(mean_a - mean_b, generator),
        seeds_a=values_a.mean(axis=1).tolist(),
        seeds_b=values_b.mean(axis=1).tolist(),
        deviation_a=_deviation(values_a),
        deviation_b=_deviation(values_b),
    )


def _deviation(values: Floats) -> float | None:
    return float(values.mean(axis=1).std(ddof=1)) if len(values) > 1 else None


def _resampled(differences: Floats, references: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """`RESAMPLES` each: means of both over users drawn with replacement, the same users for both."""
    count = len(differences)
    both = np.stack([differences, references], axis=1)
    parts = []
    for size in _chunks(RESAMPLES, count):
        drawn = generator.integers(0, count, size=(size, count), dtype=np.int32)
        parts.append(np.stack([column[drawn].mean(axis=1) for column in both.T], axis=1))
    means = np.concatenate(parts)
    return means[:, 0], means[:, 1]


def _sign_flip(differences: Floats, generator: np.random.Generator) -> float:
    """The two-sided p-value. A user without a difference has no sign to flip; equal differences share one binomial draw."""
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    observed = abs(differences.sum())
    if not len(sizes):
        return 1.0
    slack = 1e-9 * float(sizes @ counts)  # sums in another order differ in their last bits
    extreme = 0
    for size in _chunks(RESAMPLES, len(sizes)):
        signs = 2 * generator.binomial(counts, 0.5, size=(size, len(sizes))) - counts
        extreme += int((np.abs(signs @ sizes) >= observed - slack).sum())
    return (extreme + 1) / (RESAMPLES + 1)


def _chunks(total: int, width: int) -> list[int]:
    """Row counts that sum to ``total``, each so small that its matrix of ``width`` columns fits in memory."""
    rows = max(1, _NUMBERS_AT_ONCE // max(width, 1))
    return [min(rows, total - start) for start in range(0, total, rows)]
