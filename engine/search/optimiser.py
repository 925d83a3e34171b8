"""The next points of a search, as a pure function of its trials: kill it at any time, nothing is lost.

First come the hand-made baselines, then spread-out Sobol points, then the model's choices. Points that were proposed before,
whatever became of them, are never proposed again; those whose values are still to come are pending points of the acquisition.
"""

from collections.abc import Sequence

from engine.search.space import SearchSpace
from engine.search.spec import SearchSpec
from engine.search.start import Taken, start_proposals
from engine.search.trial import Proposal, Trial


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
    # Imported only now: the libraries take seconds to load, and the first points need none of them.
    if spec.optimiser == "botorch":
        from engine.search.modelled import model_proposals

        return proposals + model_proposals(space, spec, trials, taken, missing)
    from engine.search.rivals import chance_proposals, tpe_proposals

    if spec.optimiser == "tpe":
        return proposals + tpe_proposals(space, spec, trials, taken, missing)
    return proposals + chance_proposals(space, spec, taken, missing)
