"""The fair end of a search: the winner and uniform LoRA of its size, retrained in full on fresh seeds, compared in pairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from engine.adapters.choice import LayerChoice
from engine.evaluation.compare import Comparison, RankTable, paired
from engine.search.plan import SearchPlan, full_run
from engine.search.trial import Candidate
from engine.search.uniform import uniform_of_size
from engine.study.variant import Member, Study

WINNER, UNIFORM = "winner", "uniform"
SIZE_TOLERANCE = 0.02
EQUAL = -0.01
"""Quality counts as equal if the lower end of the relative interval is above this (method.md 2.5)."""
SIGNIFICANT = 0.05
FEW_USERS = 2000
"""Below so many users a comparison is reported, not judged."""


class Side(BaseModel):
    """The winner or its rival, retrained in full: means over the fresh seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: list[str]
    fields: dict[str, bool | int | float | str]
    valid: dict[str, float]
    test: dict[str, float]
    trainable_parameters: int
    adapter_parameters: int
    seconds: float = Field(description="mean wall time of a full training")


class Final(BaseModel):
    """What came out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    best: Side
    uniform: Side
    comparison: Comparison
    verdict: str
    seconds: float = Field(description="wall time of all retrainings, one after the other")
    full_training_seconds: float = Field(
        description="wall time of one full training, the CF model's stage included, which the second run of a seed takes over"
    )


@dataclass(frozen=True)
class Finalists:
    """Who is retrained."""

    winner: Candidate
    rival: Candidate


@dataclass(frozen=True)
class Retrained:
    """What a full training of a finalist came to, wherever it was run.

    Attributes:
        adapter_parameters: trainable parameters of the adapters, as read back from the injected model.
        seconds: wall time.
        ranks: the rank of each user's held-out item.
    """

    valid: dict[str, float]
    test: dict[str, float]
    trainable_parameters: int
    adapter_parameters: int
    seconds: float
    ranks: RankTable


def finalists(winner: Candidate, rival_fields: Candidate, cost: Callable[[LayerChoice, int], int]) -> Finalists:
    """The winner, and uniform LoRA of its size with the further settings of ``rival_fields``."""
    size = sum(cost(choice, layer) for layer, choice in enumerate(winner.architecture))
    return Finalists(winner, Candidate(uniform_of_size(size, len(winner.architecture), cost), rival_fields.fields))


def final_seeds(plan: SearchPlan) -> tuple[int, ...]:
    """``plan.final_seeds`` seeds that no trial has seen."""
    first = plan.run.training.seed + 1
    return tuple(range(first, first + plan.final_seeds))


def final_study(plan: SearchPlan, pair: Finalists) -> Study:
    """The full trainings of both, over the fresh seeds."""
    members = (
        Member(UNIFORM, "uniform LoRA of the winner's size", full_run(plan, pair.rival)),
        Member(WINNER, "the winner of the search", full_run(plan, pair.winner)),
    )
    return Study(members, final_seeds(plan))


def conclude(pair: Finalists, winner: Sequence[Retrained], uniform: Sequence[Retrained]) -> Final:
    """Compare the retrainings, one a seed, the seeds in the same order on both sides."""
    comparison = paired([each.ranks for each in winner], [each.ranks for each in uniform])
    sides = _side(pair.winner, winner), _side(pair.rival, uniform)
    slower = [max(one.seconds, other.seconds) for one, other in zip(winner, uniform, strict=True)]
    return Final(
        best=sides[0],
        uniform=sides[1],
        comparison=comparison,
        verdict=verdict(comparison, sides[0].adapter_parameters, sides[1].adapter_parameters, same=pair.winner == pair.rival),
        seconds=round(sum(each.seconds for each in (*winner, *uniform)), 2),
        full_training_seconds=round(sum(slower) / len(slower), 2),
    )


def verdict(comparison: Comparison, winner_parameters: int, rival_parameters: int, *, same: bool = False) -> str:
    """In words, whether the search was worth it; ``same``: the winner is what its rival is."""
    relative = f"{comparison.relative:+.1%}" if comparison.relative is not None else f"{comparison.difference:+.4f}"
    interval = (
        f"95 % interval {comparison.relative_low:+.1%} to {comparison.relative_high:+.1%}"
        if comparison.relative_low is not None and comparison.relative_high is not None
        else f"95 % interval {comparison.low:+.4f} to {comparison.high:+.4f}"
    )
    figures = (
        f"{relative} NDCG@10 against uniform LoRA of the same size ({interval}, p = {comparison.p:.3g}, paired over "
        f"{comparison.users:,} users, seeds: {len(comparison.seeds_a)})"
    )
    largest = max(winner_parameters, rival_parameters, 1)
    apart = abs(winner_parameters - rival_parameters) / largest
    size = "" if apart <= SIZE_TOLERANCE else f" Mind that their sizes differ by {apart:.0%}: no uniform LoRA is nearer."
    if same:
        size = " Winner and rival are the same architecture: nothing else that was tried is expected to be better."
    if comparison.users < FEW_USERS:
        return f"Not judged, the set is too small to tell: {figures}.{size}"
    if comparison.p < SIGNIFICANT and comparison.difference > 0:
        return f"Worth it: {figures}.{size}"
    if comparison.p < SIGNIFICANT:
        return f"Not worth it, uniform LoRA is better: {figures}.{size}"
    if comparison.relative_low is not None and comparison.relative_low > EQUAL:
        return f"Not worth it, as good as uniform LoRA: {figures}.{size}"
    return f"Not worth it, no difference can be shown: {figures}.{size}"


def _side(candidate: Candidate, runs: Sequence[Retrained]) -> Side:
    return Side(
        architecture=[str(choice) for choice in candidate.architecture],
        fields=dict(candidate.settings),
        valid=_mean([run.valid for run in runs]),
        test=_mean([run.test for run in runs]),
        trainable_parameters=runs[0].trainable_parameters,
        adapter_parameters=runs[0].adapter_parameters,
        seconds=round(sum(run.seconds for run in runs) / len(runs), 2),
    )


def _mean(metrics: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(each[name] for each in metrics) / len(metrics) for name in metrics[0]}
