"""The fair end of a search: the winner and uniform LoRA of its size, retrained in full on fresh seeds, compared in pairs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from engine.adapters.choice import LayerChoice
from engine.data.version import Version
from engine.errors import EngineError
from engine.evaluation.compare import Comparison, paired, read_ranks
from engine.events import Report
from engine.result import Result
from engine.run import never
from engine.search.plan import SearchPlan, full_run
from engine.search.trial import Candidate
from engine.search.uniform import uniform_of_size
from engine.study.execute import execute
from engine.study.folder import read_result
from engine.study.variant import Member, Study

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


@dataclass(frozen=True)
class Finalists:
    """Who is retrained."""

    winner: Candidate
    rival: Candidate


def finalists(winner: Candidate, rival_fields: Candidate, cost: Callable[[LayerChoice, int], int]) -> Finalists:
    """The winner, and uniform LoRA of its size with the further settings of ``rival_fields``."""
    size = sum(cost(choice, layer) for layer, choice in enumerate(winner.architecture))
    return Finalists(winner, Candidate(uniform_of_size(size, len(winner.architecture), cost), rival_fields.fields))


def run_final(
    plan: SearchPlan,
    pair: Finalists,
    version: Version,
    folder: Path,
    report: Report,
    jobs: int = 1,
    should_stop: Callable[[], bool] = never,
) -> Final:
    """Retrain both on ``plan.final_seeds`` seeds that no trial has seen, below ``folder``, and compare.

    Raises:
        EngineError: a retraining failed.
        RunCancelled: ``should_stop`` said so; the same call goes on later.
    """
    first = plan.run.training.seed + 1
    seeds = tuple(range(first, first + plan.final_seeds))
    members = (
        Member("uniform", "uniform LoRA of the winner's size", full_run(plan, pair.rival)),
        Member("winner", "the winner of the search", full_run(plan, pair.winner)),
    )
    study = Study(members, seeds)
    failures = execute(study, version, folder, report, jobs=jobs, should_stop=should_stop)
    if failures:
        told = "; ".join(f"{each.label}, seed {each.seed}: {each.message}" for each in failures)
        raise EngineError(f"The final comparison is not complete: {told}", "Start the same search again: it goes on from here.")
    places = {label: [folder / label / f"seed-{seed}" for seed in seeds] for label in ("winner", "uniform")}
    results = {label: [read_result(place) for place in paths] for label, paths in places.items()}
    ranks = {label: [read_ranks(place / "ranks_test.parquet") for place in paths] for label, paths in places.items()}
    comparison = paired(ranks["winner"], ranks["uniform"])
    sides = {
        "winner": _side(pair.winner, results["winner"]),
        "uniform": _side(pair.rival, results["uniform"]),
    }
    return Final(
        best=sides["winner"],
        uniform=sides["uniform"],
        comparison=comparison,
        verdict=verdict(comparison, sides["winner"].adapter_parameters, sides["uniform"].adapter_parameters),
        seconds=round(sum(result.seconds for side in results.values() for result in side), 2),
    )


def verdict(comparison: Comparison, winner_parameters: int, rival_parameters: int) -> str:
    """In words, whether the search was worth it."""
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
    if comparison.users < FEW_USERS:
        return f"Not judged, the set is too small to tell: {figures}.{size}"
    if comparison.p < SIGNIFICANT and comparison.difference > 0:
        return f"Worth it: {figures}.{size}"
    if comparison.p < SIGNIFICANT:
        return f"Not worth it, uniform LoRA is better: {figures}.{size}"
    if comparison.relative_low is not None and comparison.relative_low > EQUAL:
        return f"Not worth it, as good as uniform LoRA: {figures}.{size}"
    return f"Not worth it, no difference can be shown: {figures}.{size}"


def _side(candidate: Candidate, results: list[Result]) -> Side:
    return Side(
        architecture=[str(choice) for choice in candidate.architecture],
        fields=dict(candidate.settings),
        valid=_mean([result.valid for result in results]),
        test=_mean([result.test for result in results]),
        trainable_parameters=results[0].trainable_parameters,
        adapter_parameters=sum(layer.parameters for layer in results[0].architecture),
        seconds=round(sum(result.seconds for result in results) / len(results), 2),
    )


def _mean(metrics: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(each[name] for each in metrics) / len(metrics) for name in metrics[0]}
