"""How far a run has come: a fraction that never falls, and an estimate of the time left."""

import time
from collections.abc import Callable

from engine.events import ProgressEvent, Report


class ProgressReporter:
    """Reports the progress of a run, at most ``per_second`` times a second.

    The fraction is of the whole run: training fills it up to ``TRAINING``, the test evaluation does the rest.
    """

    TRAINING = 0.95

    def __init__(self, report: Report, per_second: float = 4.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._pause = 1 / per_second
        self._clock = clock
        self._last = -float("inf")
        self._fraction = 0.0

    def training(
        self, phase: str, done: int, total: int, epoch: int, fraction: float, eta_seconds: float | None, rate: float | None
    ) -> None:
        """Steps of training; ``fraction`` is of all training (0 to 1), an early stop makes it jump."""
        if self._due():
            self._send(phase, done, total, "steps", fraction * self.TRAINING, epoch, eta_seconds, rate)

    def counting(self, phase: str, done: int, total: int, unit: str) -> None:
        """Work that moves the whole run by nothing (an evaluation during training)."""
        if self._due() or done == total:
            self._send(phase, done, total, unit, self._fraction, None, None, None)

    def final(self, phase: str, done: int, total: int, unit: str) -> None:
        """The evaluation after training."""
        if self._due() or done == total:
            self._send(phase, done, total, unit, self.TRAINING + (1 - self.TRAINING) * done / max(total, 1), None, None, None)

    def _due(self) -> bool:
        now = self._clock()
        if now - self._last < self._pause:
            return False
        self._last = now
        return True

    def _send(
        self,
        phase: str,
        done: int,
        total: int,
        unit: str,
        fraction: float,
        epoch: int | None,
        eta_seconds: float | None,
        rate: float | None,
    ) -> None:
        self._fraction = max(self._fraction, min(fraction, 1.0))
        self._report(
            ProgressEvent(
                phase=phase,
                done=done,
                total=total,
                unit=unit,
                fraction=self._fraction,
                epoch=epoch,
                eta_seconds=eta_seconds,
                targets_per_second=rate,
            )
        )
