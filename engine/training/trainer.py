"""The shared trainer: stages with early stopping on validation NDCG@10, events, and checkpoints to go on from."""

import math
import time
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engine.errors import EngineError, RunCancelled, TrainingDiverged
from engine.events import CheckpointEvent, LogEvent, MetricEvent, WarningEvent
from engine.methods.method import Context, Method, Stage
from engine.seal import require_unchanged
from engine.training.checkpoint import BorrowedCheckpoints, CheckpointFolder, load_optimizer_tensors, load_tensors
from engine.training.decay import decays
from engine.training.pace import Pace
from engine.training.position import Position
from engine.training.progress import ProgressReporter
from engine.training.reuse import StageOutcome, keep_stage, take_stage
from engine.training.schedule import Schedule
from engine.training.standing import take_up, write_standing

if TYPE_CHECKING:
    from engine.training.parallel import Group  # which loads accelerate, that few need

SELECTION_METRIC = "ndcg@10"
CHECKPOINT_SECONDS = 20.0
STAGE_SEED = 1_000_003
RANK_SEED = 7_919
Validate = Callable[[Stage], dict[str, float]]


def parameter_groups(stage: Stage, weight_decay: float) -> list[dict[str, Any]]:
    """The stage's groups as AdamW takes them, split by whether their weights decay."""
    groups = []
    for group in stage.groups:
        for decay, wanted in ((weight_decay, True), (0.0, False)):
            chosen = [parameter for parameter in group.parameters if decays(parameter) is wanted]
            rate = group.learning_rate
            groups.append({"params": chosen, "lr": rate, "peak": rate, "weight_decay": decay})
    return [group for group in groups if group["params"]]


class Trainer:
    """Trains a method through its stages.

    Args:
        validate: metrics on validation with a stage's scores.
        should_stop: asked at each step; True ends at a checkpoint with RunCancelled.
        clock: seconds, monotonic; by default that of ``training.clock``.
        group: the processes that train together; None if this is the only one.

    Attributes:
        seconds_before: what earlier attempts spent on the training that this one took up.
    """

    def __init__(
        self,
        method: Method[Any],
        context: Context,
        validate: Validate,
        progress: ProgressReporter,
        should_stop: Callable[[], bool],
        clock: Callable[[], float] | None = None,
        group: "Group | None" = None,
    ) -> None:
        self.method = method
        self.context = context
        self.training = context.spec.training
        self.validate = validate
        self.progress = progress
        self.should_stop = should_stop
        clock = clock or (time.process_time if self.training.clock == "processor" else time.monotonic)
        self.clock = clock
        self.group = group
        leads = group is None or group.rank == 0
        self.checkpoints = (CheckpointFolder if leads else BorrowedCheckpoints)(context.workdir / "checkpoints")
        self.position = Position()
        self.stages = method.stages()
        self.schedule = Schedule(self.training, self.stages)
        self._resumed_optimizer: dict[str, Tensor] | None = None
        self.seconds_before = 0.0
        self._pace = Pace()
        self._lap = clock()
        self._last_checkpoint = clock()

    def run(self) -> Position:
        """Train from the last checkpoint, or from the start; the method then holds the best weights of the last stage."""
        self._resume()
        if self.group is not None:
            for stage in self.stages:
                self.group.check(stage)
            # Nothing there may change before all have read it.
            self.group.wait()
            if self.group.rank:
                torch.manual_seed(self.training.seed + STAGE_SEED * (self.position.stage + 1) + RANK_SEED * self.group.rank)
        while self.position.stage < len(self.stages):
            self._run_stage(self.stages[self.position.stage])
            self._next_stage()
        return self.position

    def _run_stage(self, stage: Stage) -> None:
        if not self.position.started:
            # a stage's chance hangs on seed and stage alone, not on what came before it
            rank = 0 if self.group is None else self.group.rank
            torch.manual_seed(self.training.seed + STAGE_SEED * (self.position.stage + 1) + RANK_SEED * rank)
            if self.group is None and self._take_over(stage):
                return
        optimizer = torch.optim.AdamW(parameter_groups(stage, self.training.weight_decay))
        if self._resumed_optimizer is not None:
            load_optimizer_tensors(optimizer, self._resumed_optimizer)
            self._resumed_optimizer = None
        self._lap = self.clock()
        self._pace = Pace()
        position = self.position
        if stage.evaluate_start and not position.started:
            self._evaluate(stage)
        position.started = True
        while not self.schedule.ended(position):
            self._run_epoch(stage, optimizer)
        if self.schedule.is_last(position):
            # Before a last evaluation that a longer training would not have made here.
            write_standing(self.context, self.method, self.checkpoints, position, optimizer, end=True)
        if position.moved or position.best is None:
            try:
                self._evaluate(stage)
            except RunCancelled:
                # Whoever goes on from here has nothing left to train: the stage has ended, and is evaluated first.
                self._save_step(optimizer)
                raise

    def _take_over(self, stage: Stage) -> bool:
        """Be where the first stage ended when it was trained before, its seconds counted; False if it has to be trained."""
        outcome = take_stage(stage.recipe, stage.module) if stage.recipe is not None else None
        if outcome is None:
            return False
        begun = max(outcome.best_epoch, 1)
        self.position = Position(**vars(outcome), stage_step=outcome.step, best_begun=begun, started=True)
        self.position.best = self.checkpoints.save_best(outcome.step, self.method.state()).name
        self.context.report(LogEvent(message=f"{stage.name}: taken over from an earlier run with the same settings and seed"))
        return True

    def _run_epoch(self, stage: Stage, optimizer: torch.optim.Optimizer) -> None:
        position = self.position
        batches = stage.epoch(position.epoch)
        stage.module.train()
        for batch in batches.starting_at(position.batch):
            if self._led(self.should_stop()):
                self._save_step(optimizer)
                raise RunCancelled
            self._step(stage, optimizer, batch)
            position.batch += 1
            self._tick()
            self._report_step(stage, batches.count)
            if self.schedule.out_of_time(position):
                return
            if self.clock() - self._last_checkpoint > CHECKPOINT_SECONDS:
                self._save_step(optimizer)
                stage.module.train()
        self._end_epoch(stage, optimizer)

    def _step(self, stage: Stage, optimizer: torch.optim.Optimizer, batch: object) -> None:
        position = self.position
        begin = self.clock()
        warmup = self.training.warmup_steps
        factor = min(1.0, (position.stage_step + 1) / warmup) if warmup else 1.0
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        optimizer.zero_grad(set_to_none=True)
        parameters = [parameter for group in stage.groups for parameter in group.parameters]
        if self.group is None:
            loss = stage.loss(batch)
            loss.value.backward()
        else:
            loss = self.group.step(stage, batch, parameters)
        torch.nn.utils.clip_grad_norm_(parameters, self.training.clip)
        value = float(loss.value.detach())
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"The loss of step {position.step + 1} is {value}.",
                "Start again with a lower training.learning_rate, or with precision fp32.",
            )
        optimizer.step()
        position.loss_sum += value * loss.targets
        position.loss_targets += loss.targets
        position.targets += loss.targets
        position.step += 1
        position.stage_step += 1
        position.moved = True
        position.step_seconds += self.clock() - begin

    def _end_epoch(self, stage: Stage, optimizer: torch.optim.Optimizer) -> None:
        position = self.position
        before = (position.epoch, position.batch, position.loss_sum, position.loss_targets)
        position.epoch += 1
        position.batch = 0
        values = {"loss": position.loss_sum / max(position.loss_targets, 1)}
        position.loss_sum, position.loss_targets = 0.0, 0
        self.context.report(MetricEvent(split="train", step=position.step, epoch=position.epochs, values=values))
        if position.epoch % self.training.evaluate_every == 0:
            try:
                self._evaluate(stage)
            except RunCancelled:
                # The epoch has not ended before it is evaluated: whoever goes on from here evaluates it first.
                position.epoch, position.batch, position.loss_sum, position.loss_targets = before
                self._save_step(optimizer)
                raise

    def _evaluate(self, stage: Stage) -> None:
        position = self.position
        stage.module.eval()
        metrics = self.validate(stage)
        if self.group is not None:
            metrics = self.group.led_values(metrics)
        position.moved = False
        self.context.report(MetricEvent(split="valid", step=position.step, epoch=position.epochs, values=metrics))
        value = metrics[SELECTION_METRIC]
        if position.best is None or value > position.best_value:
            position.best_value, position.best_epoch, position.bad = value, position.epochs, 0
            position.best_begun = position.epoch + (position.batch > 0)
            folder = self.checkpoints.save_best(position.step, self.method.state())
            position.best = folder.name
            self._announce(folder.name, best=True)
        else:
            position.bad += 1
        self._tick()
        at = self.schedule.share_of_stage(position, position.epoch)
        position.curve.append(value)
        position.curve_at.append(at)
        last = self.schedule.is_last(position)
        position.stopped_below = last and at < 1 and position.best_value < self.schedule.floor(at)

    def _next_stage(self) -> None:
        position = self.position
        stage = self.stages[position.stage]
        if position.best is None:
            raise EngineError(f"Stage {stage.name} ended without an evaluation.")
        if self.group is not None:
            # The first process has written it by now.
            self.group.wait()
        require_unchanged(self.checkpoints.folder / position.best)
        self.method.load_state(load_tensors(self.checkpoints.folder / position.best / "model.safetensors"))
        stage.module.eval()
        if stage.recipe is not None and self.group is None:
            known = {each.name for each in fields(StageOutcome)}
            keep_stage(stage.recipe, stage.module, StageOutcome(**{name: getattr(position, name) for name in known}))
        self._tell_end(stage)
        last = self.schedule.is_last(position)
        self.position = Position(
            stage=position.stage + 1,
            step=position.step,
            epochs_before=position.epochs,
            seconds=position.seconds,
            step_seconds=position.step_seconds,
            targets=position.targets,
            best=position.best if last else None,
            best_value=position.best_value if last else -1.0,
            best_epoch=position.best_epoch,
            curve=position.curve if last else [],
            curve_at=position.curve_at if last else [],
            stopped_below=position.stopped_below,
            stage_epochs=[*position.stage_epochs, position.best_begun],
        )
        self._save_step(None)

    def _tell_end(self, stage: Stage) -> None:
        """Say how the stage ended, and what the reader of the result should know of it."""
        position = self.position
        self.context.report(
            LogEvent(
                message=f"{stage.name}: best validation {SELECTION_METRIC} {position.best_value:.4f} "
                f"at epoch {position.best_epoch}, {position.epoch} epochs trained"
            )
        )
        if position.epoch == 0:
            message = f"Time was up before {stage.name} finished one epoch: the result says little about it."
            self.context.report(WarningEvent(message=message, hint="Raise training.minutes."))
        elif stage.evaluate_start and position.best_epoch == position.epochs_before:
            message = (
                f"{stage.name}: {position.epoch} epochs brought nothing better on validation than the stage's start, "
                "so the model is that of the start."
            )
            self.context.report(WarningEvent(message=message, hint="Train longer, or try another architecture or learning rate."))

    def _tick(self) -> None:
        now = self.clock()
        # Time ends a training: all must see the same.
        self.position.seconds = self._led(self.position.seconds + now - self._lap)
        self._lap = now

    def _led(self, number: float) -> float:
        """The number that the first process has."""
        return number if self.group is None else self.group.led(number)

    def _report_step(self, stage: Stage, batches: int) -> None:
        position = self.position
        epochs = position.epoch + position.batch / max(batches, 1)
        self.progress.training(
            f"training {stage.name}",
            position.batch,
            batches,
            position.epochs + 1,
            self.schedule.share_of_all(position, epochs),
            self.schedule.seconds_left(position, epochs, self._pace),
            position.targets / position.step_seconds if position.step_seconds else None,
        )

    def _save_step(self, optimizer: torch.optim.Optimizer | None) -> None:
        folder = write_standing(self.context, self.method, self.checkpoints, self.position, optimizer)
        self.checkpoints.prune(self.position.best)
        self._last_checkpoint = self.clock()
        self._announce(folder.name, best=False)

    def _announce(self, name: str, *, best: bool) -> None:
        position = self.position
        epoch = position.epochs + 1 if position.stage < len(self.stages) else None
        self.context.report(CheckpointEvent(path=f"checkpoints/{name}", step=position.step, epoch=epoch, best=best))

    def _resume(self) -> None:
        standing = take_up(self.context, self.method, self.checkpoints, len(self.stages))
        if standing is None:
            return
        self.position, self._resumed_optimizer = standing.position, standing.optimizer
        self.seconds_before = self.position.seconds
        if standing.extended:
            self.schedule.check_extension(self.position)
        if self.position.stage < len(self.stages):
            where = f"step {self.position.step:,} of epoch {self.position.epochs + 1}"
            self.context.report(LogEvent(message=f"going on from {standing.name}: {where}"))
