"""The next points of a search, as a pure function of its trials: kill it at any time, nothing is lost.

First come the hand-made baselines, then spread-out Sobol points, then the model's choices. Points that were proposed before,
whatever became of them, are never proposed again; those whose values are still to come are pending points of the acquisition.
"""

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
from engine.search.rivals import chance_proposals, tpe_proposals
from engine.search.space import SearchSpace
from engine.search.spec import SearchSpec
from engine.search.start import Taken, sobol_proposals, start_proposals
from engine.search.trial import Proposal, Trial

_SHORT_LIST = 24


class SearchWarning(UserWarning):
    """The model could not be asked; the search goes on with spread-out points."""


def propose(space: SearchSpace, spec: SearchSpec, trials: Sequence[Trial], count: int) -> list[Proposal]:
    """The next ``count`` points; the same arguments give the same answer.

    Args:
        space: the space of all candidates.
        spec: optimiser, objectives, number of first points, seed.
        trials: every trial so far, in any state; those outside the space (it was narrowed meanwhile) are left aside.
        count: how many points are wanted; with several, each counts as pending for the next.

    Returns:
        different candidates within the budget, none of which is among the trials; fewer than ``count`` only if no others can be
        found (the space is as good as exhausted).
    """
    trials = [trial for trial in trials if space.holds(trial.candidate)]
    taken = Taken(space, trials)
    proposals = start_proposals(space, spec, taken, count)
    missing = count - len(proposals)
    if missing <= 0:
        return proposals
    if spec.optimiser == "tpe":
        return proposals + tpe_proposals(space, spec, trials, taken, missing)
    if spec.optimiser == "random":
        return proposals + chance_proposals(space, spec, taken, missing)
    return proposals + _model_proposals(space, spec, trials, taken, missing)


def _model_proposals(space: SearchSpace, spec: SearchSpec, trials: Sequence[Trial], taken: Taken, count: int) -> list[Proposal]:
    try:
        belief = fit_belief(space, trials)
    except TooFewTrials:
        return sobol_proposals(space, spec, taken, count, "sobol: too few finished trials")
    except CANNOT_FIT as error:
        message = (
            f"The model could not be fitted to {len(trials)} trials ({type(error).__name__}: {error}); Sobol points instead."
        )
        warnings.warn(message, SearchWarning, stacklevel=3)
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
