"""The full trainings of both finalists on this machine, below a folder."""

from collections.abc import Callable
from pathlib import Path

from engine.data.version import Version
from engine.errors import EngineError
from engine.evaluation.compare import read_ranks
from engine.events import Report
from engine.run import never
from engine.search.final import UNIFORM, WINNER, Final, Finalists, Retrained, conclude, final_study
from engine.search.plan import SearchPlan
from engine.study.execute import execute
from engine.study.folder import read_result


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
    study = final_study(plan, pair)
    failures = execute(study, version, folder, report, jobs=jobs, should_stop=should_stop)
    if failures:
        told = "; ".join(f"{each.label}, seed {each.seed}: {each.message}" for each in failures)
        raise EngineError(f"The final comparison is not complete: {told}", "Start the same search again: it goes on from here.")
    places = {label: [folder / label / f"seed-{seed}" for seed in study.seeds] for label in (WINNER, UNIFORM)}
    return conclude(pair, *([_retrained(place) for place in paths] for paths in places.values()))


def _retrained(place: Path) -> Retrained:
    result = read_result(place)
    return Retrained(
        result.valid,
        result.test,
        result.trainable_parameters,
        sum(layer.parameters for layer in result.architecture),
        result.seconds,
        read_ranks(place / "ranks_test.parquet"),
    )
