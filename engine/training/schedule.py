"""When a training ends, and how far it is: its limits of epochs, time and patience, laid over the stages of its method."""

from collections.abc import Sequence

from engine.errors import UserError
from engine.methods.method import Stage
from engine.spec import TrainingSpec
from engine.training.pace import Pace
from engine.training.position import Position


class Schedule:
    """The rules of one training."""

    def __init__(self, training: TrainingSpec, stages: Sequence[Stage]) -> None:
        self.training = training
        self.stages = stages
        self._shares = [stage.share for stage in stages]

    def epochs_of(self, position: Position) -> int:
        """At most so many epochs has the stage in which ``position`` lies."""
        return self.training.epochs

    def ended(self, position: Position) -> bool:
        """Whether the stage in which ``position`` lies is at its end."""
        training = self.training
        known = position.epoch >= self.epochs_of(position) or position.bad >= training.patience or position.stopped_below
        return known or self.out_of_time(position)

    def out_of_time(self, position: Position) -> bool:
        """Whether the stage has used its time, and what earlier ones left over."""
        minutes = self.training.minutes
        return minutes is not None and position.seconds >= self._deadline(position.stage, minutes)

    def is_last(self, position: Position) -> bool:
        """Whether the stage is the last one."""
        return position.stage + 1 == len(self.stages)

    def share_of_stage(self, position: Position, epochs: float) -> float:
        """How far the stage is after so many epochs, 0 to 1: its epochs or its time, whichever is nearer the end."""
        training = self.training
        done = epochs / max(self.epochs_of(position), 1)
        if training.minutes is not None:
            end = self._deadline(position.stage, training.minutes)
            start = end - 60 * training.minutes * self._shares[position.stage] / sum(self._shares)
            done = max(done, (position.seconds - start) / (end - start))
        return min(max(done, 0.0), 1.0)

    def share_of_all(self, position: Position, epochs: float) -> float:
        """How far all of the training is, 0 to 1; stages count as their shares of the time."""
        before = sum(self._shares[: position.stage])
        return (before + self.share_of_stage(position, epochs) * self._shares[position.stage]) / sum(self._shares)

    def floor(self, at: float) -> float:
        """What the best value must have reached by then, ``at`` being 0 to 1; nothing where there is no rule."""
        floors = self.training.stop_below
        return floors[min(int(at * len(floors)), len(floors) - 1)] if floors else 0.0

    def seconds_left(self, position: Position, epochs: float, pace: Pace) -> float | None:
        """At most so long until training ends; None until the pace of the stage is known.

        Stages to come are taken to be to this one as their shares of the time.
        """
        minutes, done = self.training.minutes, epochs / max(self.epochs_of(position), 1)
        whole = pace.whole(done, position.seconds)
        until_deadline = None if minutes is None else max(60 * minutes - position.seconds, 0.0)
        if whole is None:
            return until_deadline
        left = whole * (1 - done + sum(self._shares[position.stage + 1 :]) / self._shares[position.stage])
        return left if until_deadline is None else min(left, until_deadline)

    def check_extension(self, position: Position) -> None:
        """Raises UserError if a training that had ended has nothing more to train with its grown limits."""
        training = self.training
        if position.stopped_below:
            raise UserError("This training was ended early by training.stop_below, so it cannot be extended.", "Start a new run.")
        reasons = {
            f"{position.epoch} of {training.epochs} epochs are trained; raise training.epochs": position.epoch >= training.epochs,
            f"{position.bad} evaluations in a row brought nothing better; raise training.patience above that": (
                position.bad >= training.patience
            ),
            f"its {training.minutes} minutes are used up; raise training.minutes": self.out_of_time(position),
        }
        held = [reason for reason, holds in reasons.items() if holds]
        if held:
            raise UserError(f"There is nothing more to train: {' and '.join(held)}.", "Extend it with larger limits.")

    def _deadline(self, stage: int, minutes: float) -> float:
        return 60 * minutes * sum(self._shares[: stage + 1]) / sum(self._shares)
