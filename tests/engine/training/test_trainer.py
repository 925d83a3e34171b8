"""The trainer's own rules; what every method must do with it is in tests/engine/methods/test_behaviour.py."""

import time
from pathlib import Path

import pytest
import torch

from engine.data.version import Version
from engine.errors import CheckpointError, RunCancelled
from engine.evaluation.evaluator import Score
from engine.events import Event, MetricEvent, ProgressEvent
from engine.methods.method import EpochBatches, ParameterGroup, Stage, StepLoss
from engine.presets import get_preset
from engine.run import run
from engine.spec import override, parse_spec
from engine.training.checkpoint import CheckpointFolder
from engine.training.trainer import parameter_groups
from tests.engine.methods.runs import small_spec


def test_early_stopping_waits_for_patience_and_keeps_the_best(planted: Version, tmp_path: Path) -> None:
    events: list[Event] = []
    spec = small_spec("sasrec", {"training.epochs": 60, "training.patience": 2, "training.learning_rate": 0.01})
    result = run(spec, planted, tmp_path, events.append)
    values = [e.values["ndcg@10"] for e in events if isinstance(e, MetricEvent) and e.split == "valid"]
    assert len(values) < 60
    assert result.best_epoch == values.index(max(values)) + 1
    assert result.epochs == result.best_epoch + 2
    assert result.valid["ndcg@10"] == max(values)


def test_the_time_limit_ends_training_with_an_evaluation(planted: Version, tmp_path: Path) -> None:
    result = run(small_spec("sasrec", {"training.epochs": 1000, "training.minutes": 0.01}), planted, tmp_path, lambda e: None)
    assert result.epochs < 1000
    assert result.valid["ndcg@10"] > 0


def test_the_time_limit_may_count_processor_time(planted: Version, tmp_path: Path) -> None:
    """Sleeping costs nothing then: the run outlives a wall time many times its limit."""
    waits = iter([2.0])

    def sleepy(event: Event) -> None:
        if isinstance(event, MetricEvent):
            time.sleep(next(waits, 0.0))

    limit = {"training.epochs": 1000, "training.minutes": 0.03}
    by_wall = run(small_spec("sasrec", limit), planted, tmp_path / "wall", sleepy)
    waits = iter([2.0])
    by_processor = run(small_spec("sasrec", {**limit, "training.clock": "processor"}), planted, tmp_path / "cpu", sleepy)
    assert by_wall.epochs == 1
    assert 1 < by_processor.epochs < 1000


def test_a_stage_without_a_whole_epoch_is_said(planted: Version, tmp_path: Path) -> None:
    spec = small_spec("sasrec", {"training.epochs": 1000, "training.minutes": 1e-6})
    result = run(spec, planted, tmp_path, lambda e: None)
    assert result.epochs == 0
    assert any("before SASRec finished one epoch" in warning for warning in result.warnings)


def test_a_stage_that_brought_nothing_is_said(planted: Version, tmp_path: Path) -> None:
    still = {"training.learning_rate": 1e-12, "method.injection.learning_rate": 0}
    result = run(small_spec("darec", still), planted, tmp_path / "still", lambda e: None)
    assert any("nothing better on validation than the stage's start" in warning for warning in result.warnings)
    learning = run(
        small_spec("darec", {"training.learning_rate": 0.003, "method.injection.learning_rate": 0.01}),
        planted,
        tmp_path / "learning",
        lambda e: None,
    )
    assert learning.best_epoch > 2
    assert learning.warnings == []


def test_a_start_that_is_not_kept_is_not_evaluated(planted: Version, tmp_path: Path) -> None:
    still = {"training.learning_rate": 1e-12, "method.injection.learning_rate": 0}
    kept, dropped = (
        run(small_spec("darec", {**still, "training.keep_start": keep}), planted, tmp_path / str(keep), lambda e: None)
        for keep in (True, False)
    )
    assert len(kept.curve) == len(dropped.curve) + 1
    assert dropped.best_epoch > kept.best_epoch
    assert not any("stage's start" in warning for warning in dropped.warnings)


def test_a_stage_ends_where_its_best_value_is_below_the_floor_of_its_time(planted: Version, tmp_path: Path) -> None:
    spec = small_spec("sasrec", {"training.epochs": 8, "training.patience": 8})
    whole = run(spec, planted, tmp_path / "whole", lambda e: None)
    assert whole.curve_at == [epoch / 8 for epoch in range(1, 9)]
    assert not whole.stopped_below
    ended = {
        name: run(
            parse_spec(override(spec.model_dump(), {"training.stop_below": floors})), planted, tmp_path / name, lambda e: None
        )
        for name, floors in {"never": (0.0,) * 4, "third quarter": (0.0, 0.0, 2.0, 0.0), "too late": (0.0,) * 15 + (2.0,)}.items()
    }
    assert ended["never"].curve == whole.curve
    assert (ended["third quarter"].epochs, ended["third quarter"].stopped_below) == (4, True)
    assert ended["third quarter"].curve_at[-1] == 0.5
    assert (ended["too late"].epochs, ended["too late"].stopped_below) == (8, False), "at its end there is nothing to save"


def test_how_far_a_stage_is_goes_by_its_time_where_that_ends_first(planted: Version, tmp_path: Path) -> None:
    result = run(small_spec("darec", {"training.minutes": 0.05, "training.epochs": 10_000}), planted, tmp_path, lambda e: None)
    assert result.curve_at == sorted(result.curve_at)
    assert result.curve_at[-1] == 1.0


def test_progress_never_falls_and_ends_at_one(planted: Version, tmp_path: Path) -> None:
    events: list[Event] = []
    run(small_spec("darec"), planted, tmp_path, events.append)
    fractions = [event.fraction for event in events if isinstance(event, ProgressEvent)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert events[-1].type == "result"


def test_a_checkpoint_of_another_spec_is_refused(planted: Version, tmp_path: Path) -> None:
    first = small_spec("sasrec")
    with pytest.raises(RunCancelled):
        run(first, planted, tmp_path, lambda e: None, should_stop=iter([False] * 3 + [True] * 99).__next__)
    assert CheckpointFolder(tmp_path / "checkpoints").last() is not None
    (tmp_path / "run.json").unlink()
    with pytest.raises(CheckpointError, match="another spec or version"):
        run(small_spec("sasrec", {"method.dropout": 0.2}), planted, tmp_path, lambda e: None)


def test_a_folder_of_another_run_is_refused(planted: Version, tmp_path: Path) -> None:
    run(get_preset("popularity").spec(), planted, tmp_path, lambda e: None)
    with pytest.raises(Exception, match="holds another run"):
        run(get_preset("popularity").spec({"training.seed": 3}), planted, tmp_path, lambda e: None)


def test_only_matrices_decay() -> None:
    matrix, vector, scalar = (torch.nn.Parameter(torch.ones(shape)) for shape in ((2, 2), (2,), ()))
    groups = [ParameterGroup([scalar, matrix, vector], 0.5), ParameterGroup([torch.nn.Parameter(torch.ones(3))], 0.1)]
    stage = Stage("one", torch.nn.Module(), groups, lambda epoch: EpochBatches(0, lambda batch: batch), _no_loss, _no_scorer)
    found = parameter_groups(stage, 0.3)
    assert [(group["weight_decay"], group["lr"], len(group["params"])) for group in found] == [
        (0.3, 0.5, 1),
        (0.0, 0.5, 2),
        (0.0, 0.1, 1),
    ]
    assert found[0]["params"][0] is matrix


def _no_loss(batch: object) -> StepLoss:
    raise AssertionError


def _no_scorer() -> Score:
    raise AssertionError
