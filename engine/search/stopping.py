"""When a trial is ended early: the median stopping rule (Golovin et al., 2017, Google Vizier, section 3.2.2). No torch here.

A trial is stopped at an evaluation if its best value so far is below the median, over the trials that got as far, of their best
values up to the same evaluation. (The published rule takes their running averages; with the few evaluations of a short trial
the best so far is the same quantity that the trial is judged by in the end.) It needs no model of curves and no parameter but
the number of trials that it waits for, and curves of trials of one search are alike enough for it: same data, same warm start.
Stopped values are low-fidelity values of the search.
"""

from collections.abc import Sequence
from itertools import accumulate
from statistics import median

from engine.search.plan import SearchPlan

WAIT_FOR = 5
"""Trials that must have reached an evaluation before anything is stopped there."""


def floors(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """What the best value so far must reach by each evaluation, from the curves (validation values) of earlier trials."""
    best = [list(accumulate(curve, max)) for curve in curves]
    found: list[float] = []
    for evaluation in range(max(map(len, best), default=0)):
        there = [curve[evaluation] for curve in best if len(curve) > evaluation]
        if len(there) < WAIT_FOR:
            break
        found.append(median(there))
    return tuple(found)


def stop_below(plan: SearchPlan, curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The floors of the next trial of ``plan``, from the curves of those that have finished; none where the plan has no rule."""
    return floors(curves) if plan.stopping == "median" else ()
