import pytest
import torch

from engine.evaluation.evaluator import Score
from engine.methods.method import EpochBatches, Stage, StepLoss
from engine.spec import TrainingSpec
from engine.training.pace import Pace
from engine.training.position import Position
from engine.training.schedule import Schedule


def _no_loss(batch: object) -> StepLoss:
    raise AssertionError


def _no_scorer() -> Score:
    raise AssertionError


def stage(share: float = 1.0) -> Stage:
    return Stage("one", torch.nn.Module(), [], lambda epoch: EpochBatches(0, lambda batch: batch), _no_loss, _no_scorer, share)


def left(schedule: Schedule, first: tuple[float, float], now: tuple[float, float], stage: int = 0) -> float | None:
    """What is left after this process saw the stage at ``first`` and ``now``, each epochs and seconds."""
    pace = Pace()
    for epochs, seconds in (first, now):
        found = schedule.seconds_left(Position(stage=stage, seconds=seconds), epochs, pace)
    return found


def test_what_is_left_goes_by_the_pace_of_this_process() -> None:
    schedule = Schedule(TrainingSpec(epochs=10), [stage()])
    assert left(schedule, (0.0, 0.0), (2.0, 20.0)) == pytest.approx(80)
    assert left(schedule, (5.0, 5000.0), (6.0, 5010.0)) == pytest.approx(40), "an earlier attempt was slower by far"
    assert left(schedule, (5.0, 50.0), (5.0, 50.0)) is None


def test_stages_to_come_are_taken_by_their_shares_of_the_time() -> None:
    schedule = Schedule(TrainingSpec(epochs=10), [stage(0.25), stage(0.75)])
    assert left(schedule, (0.0, 0.0), (5.0, 50.0)) == pytest.approx(50 + 300)
    assert left(schedule, (0.0, 100.0), (5.0, 250.0), stage=1) == pytest.approx(150)


def test_time_that_is_limited_ends_it_sooner() -> None:
    schedule = Schedule(TrainingSpec(epochs=10, minutes=1), [stage()])
    assert left(schedule, (0.0, 0.0), (0.0, 0.0)) == 60
    assert left(schedule, (0.0, 0.0), (1.0, 20.0)) == 40
    assert left(schedule, (0.0, 0.0), (1.0, 1.0)) == pytest.approx(9)
