"""What finished trials say, as tensors for a model: points, standardised values, noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.search.layout import Layout, Rows
from engine.search.trial import Trial

_LEAST_FINISHED = 3


class TooFewTrials(ValueError):
    """There are too few finished trials, or they do not differ: nothing can be learnt yet."""


@dataclass(frozen=True)
class Observations:
    """Finished trials in the order of their numbers.

    Attributes:
        rows: `n x columns`.
        points: `n x (columns + 1)`, rows scaled to 0..1, the fidelity last.
        values: `n`, standardised.
        variances: `n`, noise of ``values``; None if no trial states its error.
        centre, scale: a value is ``centre + scale * standardised``.
    """

    rows: Rows
    points: Tensor
    values: Tensor
    variances: Tensor | None
    centre: float
    scale: float


def observe(layout: Layout, trials: Sequence[Trial]) -> Observations:
    """Collect the finished trials.

    A training that collapsed says that a point is bad, not how bad: values far below the others (more than three quartile
    ranges under the lower quartile) are lifted to that bound, lest one of them flatten all differences that matter. Where only
    some trials state a standard error, the others are given the median of the stated ones.

    Raises:
        TooFewTrials: fewer than three finished trials, or all with one value.
    """
    done = sorted((trial for trial in trials if trial.state == "done"), key=lambda trial: trial.number)
    values = np.array([trial.value for trial in done], dtype=np.float64)
    if len(done) < _LEAST_FINISHED or not np.isfinite(values).all() or np.ptp(values) == 0:
        raise TooFewTrials(f"{len(done)} finished trials, {len(set(values))} different values")
    low, high = np.quantile(values, [0.25, 0.75])
    values = np.maximum(values, low - 3 * (high - low)) if high > low else values
    centre, scale = float(values.mean()), float(values.std())
    rows = layout.encode_all([trial.candidate for trial in done])
    fidelities = torch.tensor([trial.fidelity for trial in done], dtype=torch.float64)
    return Observations(
        rows=rows,
        points=torch.cat([points_of(layout, rows)[:, :-1], fidelities[:, None]], dim=1),
        values=torch.from_numpy((values - centre) / scale),
        variances=_variances(done, scale),
        centre=centre,
        scale=scale,
    )


def points_of(layout: Layout, rows: Rows) -> Tensor:
    """Points `n x (columns + 1)` of rows `n x columns`, each column scaled to 0..1, at full fidelity."""
    spans = np.maximum(layout.sizes - 1, 1)
    return torch.from_numpy(np.concatenate([rows / spans, np.ones((len(rows), 1))], axis=1))


def _variances(done: Sequence[Trial], scale: float) -> Tensor | None:
    stated = [trial.error for trial in done if trial.error is not None]
    if not stated:
        return None
    middle = float(np.median(stated))
    errors = [middle if trial.error is None else trial.error for trial in done]
    return (torch.tensor(errors, dtype=torch.float64) / scale).square().clamp_min(1e-6)
