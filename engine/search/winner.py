"""Who won: the trial of the highest posterior mean, not the luckiest one."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.search.belief import CANNOT_FIT, fit_belief
from engine.search.observations import TooFewTrials
from engine.search.space import SearchSpace
from engine.search.trial import Candidate, Trial


@dataclass(frozen=True)
class Winner:
    """The best finished trial.

    Attributes:
        mean, sd: what the model believes of a full training of it, in units of the objective; None if it was not asked.
        reason: how it was chosen, for people.
    """

    trial: Trial
    mean: float | None
    sd: float | None
    reason: str


def best(space: SearchSpace, trials: Sequence[Trial]) -> Winner:
    """The winner among the finished trials of the highest fidelity there is.

    Raises:
        ValueError: no trial has finished.
    """
    done = [trial for trial in trials if trial.state == "done" and trial.value is not None and space.holds(trial.candidate)]
    if not done:
        raise ValueError("no trial has finished")
    fullest = max(trial.fidelity for trial in done)
    full = [trial for trial in done if trial.fidelity == fullest]
    try:
        mean, sd = fit_belief(space, done).expect_values(space.encode_all([trial.candidate for trial in full]))
    except (TooFewTrials, *CANNOT_FIT) as error:
        luckiest = max(full, key=lambda trial: (trial.value or 0.0, -trial.number))
        return Winner(luckiest, None, None, f"highest observed value (no model: {error})")
    index = int(mean.argmax())
    return Winner(full[index], float(mean[index]), float(sd[index]), "highest posterior mean")


def expectation(space: SearchSpace, trials: Sequence[Trial], candidates: Sequence[Candidate]) -> list[tuple[float, float]]:
    """What the model expects of full trainings of ``candidates``: mean and standard deviation, in units of the objective.

    Raises:
        TooFewTrials, or one of ``CANNOT_FIT``: there is no model.
    """
    if not candidates:
        return []
    mean, sd = fit_belief(space, trials).expect_values(space.encode_all(candidates))
    return [(float(one), float(other)) for one, other in zip(mean, sd, strict=True)]
