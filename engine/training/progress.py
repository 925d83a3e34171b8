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
        self._epoch: int | None = None
        self._end: float | None = None
        self._rate: float | None = None

    def training(
        self, phase: str, done: int, total: int, epoch: int, fraction: float, eta_seconds: float | None, rate: float | None
    ) -> None:
        """Steps of training; ``fraction`` is of all training (0 to 1), an early stop makes it jump."""
        self._epoch, self._rate = epoch, rate
        self._end = None if eta_seconds is None else self._clock() + eta_seconds
        if self._due():
            self._send(phase, done, total, "steps", fraction * self.TRAINING)

    def trained(self) -> None:
        """Training has ended: what was known of it says nothing about what comes."""
        self._epoch = self._end = self._rate = None

    def counting(self, phase: str, done: int, total: int, unit: str) -> None:
        """Work that moves the whole run by nothing (an evaluation during training); what is known of training stays."""
        if self._due() or done == total:
            self._send(phase, done, total, unit, self._fraction)

    def final(self, phase: str, done: int, total: int, unit: str) -> None:
        """The evaluation after training."""
        if self._due() or done == total:
            self._send(phase, done, total, unit, self.TRAINING + (1 - self.TRAINING) * done / max(total, 1))

    def _due(self) -> bool:
        now = self._clock()
        if now - self._last < self._pause:
            return False
        self._last = now
        return True

    def _send(self, phase: str, done: int, total: int, unit: str, fraction: float) -> None:
        self._fraction = max(self._fraction, min(fraction, 1.0))
        self._report(
            ProgressEvent(
                phase=phase,
                done=done,
                total=total,
                unit=unit,
                fraction=self._fraction,
                epoch=self._epoch,
                eta_seconds=None if self._end is None else max(self._end - self._clock(), 0.0),
                targets_per_second=self._rate,
            )
        )
