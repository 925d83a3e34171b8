"""Points of the greatest acquisition by a Gaussian process over the trials; Sobol points where it cannot be asked."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch

from engine.search.acquisition import noisy_log_hypervolume_improvement, noisy_log_improvement, reference_value
from engine.search.belief import CANNOT_FIT, Belief, fit_belief
from engine.search.generate import promising
from engine.search.improvement import log_hypervolume_improvement, log_improvement
from engine.search.layout import Rows
from engine.search.observations import TooFewTrials
from engine.search.optimiser import SearchWarning
from engine.search.space import SearchSpace
from engine.search.spec import SearchSpec
from engine.search.start import Taken, sobol_proposals
from engine.search.trial import Proposal, Trial

_SHORT_LIST = 24


def model_proposals(space: SearchSpace, spec: SearchSpec, trials: Sequence[Trial], taken: Taken, count: int) -> list[Proposal]:
    """Up to ``count`` points, each counting as pending for the next; Sobol points where there is no model."""
    try:
        belief = fit_belief(space, trials)
    except TooFewTrials:
        return sobol_proposals(space, spec, taken, count, "sobol: too few finished trials")
    except CANNOT_FIT as error:
        message = (
            f"The model could not be fitted to {len(trials)} trials ({type(error).__name__}: {error}); Sobol points instead."
        )
        warnings.warn(message, SearchWarning, stacklevel=4)
        return sobol_proposals(space, spec, taken, count, "sobol: model could not be fitted", message)
    pending = {trial.candidate for trial in trials if trial.state in ("proposed", "running")}
    rows = space.encode_all([trial.candidate for trial in trials if trial.candidate in pending])
    rows = np.concatenate([rows, taken.new_rows()])
    proposals: list[Proposal] = []
    for _ in range(count):
        chosen = _choose(space, spec, belief, rows, taken)
        if chosen is None:
            break
        row, value = chosen
        mean, sd = belief.expect_values(row[None])
        taken.add(row)
        rows = np.concatenate([rows, row[None]])
        proposals.append(Proposal(space.decode(row), "model", float(mean[0]), float(sd[0]), value))
    return proposals


def _choose(space: SearchSpace, spec: SearchSpec, belief: Belief, pending: Rows, taken: Taken) -> tuple[Rows, float] | None:
    """The row of greatest acquisition and its value, or None if no new one was found."""
    seed = spec.seed * 100_003 + len(taken)
    tried = np.unique(belief.seen.rows, axis=0)
    believed = belief.believe(pending)
    known = np.concatenate([tried, pending])
    two = spec.objectives == "two"
    reference = reference_value(belief, tried) if two else 0.0
    score = log_hypervolume_improvement(believed, known, reference) if two else log_improvement(believed, known)
    best = tried[torch.topk(score(tried), min(4, len(tried))).indices.numpy()]
    rows = promising(space, score, taken.rows(), best, np.random.default_rng(seed), _SHORT_LIST)
    if not len(rows):
        return None
    if two:
        values = noisy_log_hypervolume_improvement(belief, tried, pending, rows, reference, seed)
    else:
        values = noisy_log_improvement(belief, tried, pending, rows, seed)
    index = int(torch.argmax(values))
    return rows[index], float(values[index])
