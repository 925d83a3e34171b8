"""The trainer of refits: as many epochs a stage as another run's validation chose, and no validation of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from engine.errors import EngineError
from engine.events import LogEvent
from engine.methods.method import Context, Method, Stage
from engine.spec import TrainingSpec
from engine.training.position import Position
from engine.training.progress import ProgressReporter
from engine.training.schedule import Schedule
from engine.training.trainer import Trainer


class FixedSchedule(Schedule):
    """So many epochs for each stage, and nothing else ends one.

    Args:
        epochs: one number a stage, 0 or more.
    """

    def __init__(self, training: TrainingSpec, stages: Sequence[Stage], epochs: Sequence[int]) -> None:
        super().__init__(training, stages)
        self._epochs = list(epochs)

    def epochs_of(self, position: Position) -> int:
        """Those that were chosen for the stage."""
        return self._epochs[position.stage]


class RefitTrainer(Trainer):
    """Trains each stage for its fixed number of epochs and keeps its last weights. There are checkpoints to go on from.

    Args:
        epochs: one number a stage; the context's spec sets no other limit.
    """

    def __init__(
        self,
        method: Method[Any],
        context: Context,
        progress: ProgressReporter,
        should_stop: Callable[[], bool],
        epochs: Sequence[int],
    ) -> None:
        super().__init__(method, context, _no_validation, progress, should_stop)
        # Stages that are kept for other runs were chosen by validation, which this one has not.
        self.stages = [replace(stage, recipe=None) for stage in self.stages]
        self.schedule = FixedSchedule(context.spec.training, self.stages, epochs)

    def _evaluate(self, stage: Stage) -> None:
        """Where others look at validation, the weights are kept if the stage is at its end."""
        position = self.position
        position.moved = False
        if not self.schedule.ended(position):
            return
        stage.module.eval()
        position.best_epoch, position.best_begun = position.epochs, position.epoch
        position.best = self.checkpoints.save_best(position.step, self.method.state()).name
        self._announce(position.best, best=True)
        self._tick()

    def _tell_end(self, stage: Stage) -> None:
        self.context.report(LogEvent(message=f"{stage.name}: {self.position.epoch} epochs trained on all interactions"))


def _no_validation(stage: Stage) -> dict[str, float]:
    raise EngineError(f"Stage {stage.name} of a refit has no validation.")
