"""Where a training stands, as plain numbers: what a checkpoint holds besides tensors."""

from dataclasses import dataclass, field


@dataclass
class Position:
    """Where training stands: all that a checkpoint holds besides tensors.

    Attributes:
        step: optimiser steps of the run; ``stage_step``: of the stage.
        epoch: finished epochs of the stage; ``batch``: the next batch of the current one.
        seconds: wall time of training, evaluation on validation included; ``step_seconds``: without it.
        loss_sum, loss_targets: sum of loss times targets, and targets, of the current epoch.
        best: name of the checkpoint with the stage's best weights; ``bad``: evaluations since then.
        curve: values of the stage's evaluations; ``curve_at``: how far the stage was at each, see ``Result.curve_at``;
            ``stopped_below``: the last of them ended it, see ``TrainingSpec.stop_below``.
        best_begun: epochs of the stage that the best weights were trained in; one that was cut off counts whole.
        stage_epochs: ``best_begun`` of each stage that has ended.
        moved: True if a step was made since the last evaluation.
    """

    stage: int = 0
    step: int = 0
    stage_step: int = 0
    epoch: int = 0
    epochs_before: int = 0
    batch: int = 0
    seconds: float = 0.0
    step_seconds: float = 0.0
    targets: int = 0
    loss_sum: float = 0.0
    loss_targets: int = 0
    best: str | None = None
    best_value: float = -1.0
    best_epoch: int = 0
    bad: int = 0
    curve: list[float] = field(default_factory=list)
    curve_at: list[float] = field(default_factory=list)
    stopped_below: bool = False
    best_begun: int = 0
    stage_epochs: list[int] = field(default_factory=list)
    moved: bool = False
    started: bool = False

    @property
    def epochs(self) -> int:
        """Finished epochs of all stages."""
        return self.epochs_before + self.epoch
