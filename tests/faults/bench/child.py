"""A child as workers start them, with the real engine, that writes down what it does and takes its time: ``workers.crew.CHILD``.

Every step of a training waits a moment, and a checkpoint is due twice a second instead of every 20 seconds: so a kill finds a
tiny training at work, and there is something to lose. Nothing that is computed changes.
"""

import sys
import time
from typing import Any

from tests.faults.bench.traces import write
from workers import child
from workers.crew import Order

STEP_SECONDS = 0.02
EVALUATION_SECONDS = 0.1
CHECKPOINT_SECONDS = 0.5


def watch_orders() -> None:
    """Write down each order, and its end."""
    work, train = child._Desk.work, child._Desk._run

    def watched(self: Any, order: Order) -> bool:
        write(order.kind, order.row, order.attempt, "order")
        fit = work(self, order)
        write(order.kind, order.row, order.attempt, "done")
        return fit

    def trained(self: Any, order: Order) -> bool:
        watch_training(order)
        return train(self, order)

    child._Desk.work = watched  # type: ignore[method-assign]
    child._Desk._run = trained  # type: ignore[method-assign]


def watch_training(order: Order) -> None:
    """Write down how the training of ``order`` goes, and slow it down."""
    from engine import run
    from engine.training import trainer

    class Watched(trainer.Trainer):
        def _tell(self, what: str) -> None:
            write("run", order.row, order.attempt, what, self.position.step)

        def _resume(self) -> None:
            super()._resume()
            self._tell("begin")

        def _step(self, *arguments: Any) -> None:
            super()._step(*arguments)
            self._tell("step")
            time.sleep(STEP_SECONDS)

        def _evaluate(self, stage: Any) -> None:
            self._tell("evaluating")
            time.sleep(EVALUATION_SECONDS)
            super()._evaluate(stage)

        def _save_step(self, optimizer: Any) -> None:
            self._tell("saving")
            super()._save_step(optimizer)
            self._tell("saved")

    trainer.CHECKPOINT_SECONDS = CHECKPOINT_SECONDS
    run.Trainer = Watched  # type: ignore[misc]


if __name__ == "__main__":
    watch_orders()
    sys.exit(child.main())
