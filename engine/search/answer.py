"""What a search comes to in the end, as one object; the same whether it ran on one machine or on many workers."""

from collections.abc import Sequence
from typing import Any

from engine.errors import EngineError
from engine.search.final import Final, Finalists, finalists
from engine.search.layout import Cost
from engine.search.space import SearchSpace
from engine.search.trial import Candidate, Trial
from engine.search.winner import Winner, best


def winner_of(space: SearchSpace, trials: Sequence[Trial]) -> Winner:
    """The winner; raises EngineError if no trial has finished."""
    try:
        return best(space, trials)
    except ValueError as error:
        raise EngineError("All trials failed: there is no winner.", "Read the logs of the trials.") from error


def finalists_of(winner: Candidate, rival: Candidate | None, cost: Cost) -> Finalists:
    """The winner, and uniform LoRA of its size with the further settings that won among ``rival``'s trials, if there were any."""
    return finalists(winner, rival or Candidate(winner.architecture), cost)


def answer(winner: Winner, final: Final, trials: Sequence[Trial], *, seconds: float, final_seconds: float) -> dict[str, Any]:
    """What the last line of ``search`` on the command line says, its ``answer.json`` holds, and the web page shows.

    Args:
        seconds: wall time of all trials, suggestions included.
        final_seconds: wall time of tuning the rival and of the retrainings.
    """
    return {
        "best": {**final.best.model_dump(), "trial": winner.trial.number, "expected": winner.mean, "expected_sd": winner.sd},
        "uniform": final.uniform.model_dump(),
        "trials": [told(trial) for trial in trials],
        "seconds": seconds,
        "final_seconds": final_seconds,
        "full_training_seconds": final.full_training_seconds,
        "p_value": final.comparison.p,
        "comparison": final.comparison.model_dump(),
        "verdict": final.verdict,
    }


def told(trial: Trial) -> dict[str, Any]:
    """A trial as a row of the answer."""
    return {
        "number": trial.number,
        "state": trial.state,
        **trial.candidate.to_json(),
        "value": trial.value,
        "fidelity": trial.fidelity,
        "parameters": trial.parameters,
        "origin": trial.origin,
    }
