"""Axes of charts that the server writes as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_FINEST = 1e-6
"""Smaller differences are not worth an axis."""


@dataclass(frozen=True)
class Axis:
    """Maps values to pixels.

    Attributes:
        low, high: ends of the axis, in units of the value; start, end: where they are, in pixels.
        ticks: round values in between.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def __call__(self, value: float) -> float:
        """Where ``value`` is, in pixels."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def axis(values: Sequence[float], start: float, end: float, *, whole: bool = False, zero: bool = False) -> Axis:
    """An axis around ``values`` (one or more, none below 0), with about five round ticks.

    Args:
        whole: whole numbers only; zero: begin at 0.
    """
    low, high = (0.0 if zero else min(values)), max(values)
    spread = max(high - low or high or 1.0, _FINEST)
    step = 10 ** math.floor(math.log10(spread / 5))
    step *= next(factor for factor in (1, 2, 5, 10) if spread / (step * factor) <= 5)
    step = max(1.0, step) if whole else step
    first = math.floor(low / step) if low < high else max(0, math.floor(low / step) - 1)
    last = max(math.ceil(high / step), first + (1 if low < high else 2))
    ticks = tuple(round(number * step, 10) for number in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], start, end, ticks)
