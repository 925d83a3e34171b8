"""When a trial is ended early: the median stopping rule (Golovin et al., 2017, Google Vizier, section 3.2.2). No torch here.

A trial is stopped at an evaluation if its best value so far is below the median of what the trials that got as far had by then.
"By then" is in time, of which every trial gets the same: an architecture whose epochs take long has its first evaluation late,
and what it shows there says nothing of one that has trained half as long. (The published rule takes running averages; with the
few evaluations of a short trial the best so far is the same quantity that the trial is judged by in the end.) It needs no model
of curves and no parameter but the number of trials that it waits for, and curves of trials of one search are alike enough for
it: same data, same warm start. Stopped values are low-fidelity values of the search.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from engine.search.plan import SearchPlan

WAIT_FOR = 5
"""Trials that must have got as far before anything is stopped there."""
PARTS = 20
"""Equal parts of a trial's time; within one the same floor holds: the median of what the others had when it began."""


@dataclass(frozen=True)
class LearningCurve:
    """Validation values of a finished trial, and how far it was at each: 0 to 1 of a whole trial."""

    values: Sequence[float]
    at: Sequence[float]

    def best_by(self, share: float) -> float | None:
        """The best value by then; None if there was none yet, or if the trial did not get as far."""
        if not self.at or self.at[-1] < share:
            return None
        return max((value for value, at in zip(self.values, self.at, strict=True) if at <= share), default=None)


def floors(curves: Sequence[LearningCurve]) -> tuple[float, ...]:
    """What the best value so far must have reached in each part of a trial, from earlier ones; 0 where too few tell."""
    found = []
    for part in range(PARTS):
        known = [best for curve in curves if (best := curve.best_by(part / PARTS)) is not None]
        found.append(median(known) if len(known) >= WAIT_FOR else 0.0)
    return tuple(found) if any(found) else ()


def stop_below(plan: SearchPlan, curves: Sequence[LearningCurve]) -> tuple[float, ...]:
    """The floors of the next trial of ``plan``, from the curves of those that have finished; none where the plan has no rule."""
    return floors(curves) if plan.stopping == "median" else ()
