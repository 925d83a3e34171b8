"""Trained models that stay in memory, the most recently used of them."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import psutil

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Kept(Generic[T]):
    """Something on the shelf.

    Attributes:
        size: bytes by which the process grew when it was opened.
        seconds: how long that took.
    """

    thing: T
    size: int
    seconds: float


class Shelf(Generic[T]):
    """At most ``most`` things, and at most ``memory`` bytes of them: what was used longest ago goes first. One always stays.

    Args:
        measure: bytes that the process takes now.
    """

    def __init__(self, most: int, memory: int, measure: Callable[[], int] | None = None) -> None:
        self.most, self.memory = max(1, most), memory
        self._measure = measure or _resident
        self._kept: OrderedDict[Hashable, tuple[Hashable, Kept[T]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: Hashable, stamp: Hashable, make: Callable[[], T]) -> tuple[T, float]:
        """The thing called ``name``, and the seconds that opening it took; 0 if it was here.

        Args:
            stamp: one that was kept under another stamp is out of date, and made anew.
        """
        if name in self._kept:
            known, kept = self._kept[name]
            if known == stamp:
                self._kept.move_to_end(name)
                return kept.thing, 0.0
            del self._kept[name]
        # Before the new one is loaded, so that both are never there at once.
        self._shrink(self.most - 1)
        before, started = self._measure(), time.monotonic()
        thing = make()
        made = Kept(thing, max(0, self._measure() - before), time.monotonic() - started)
        self._kept[name] = (stamp, made)
        self._shrink(self.most)
        _log.info("%s is on the shelf: %.1f s, %d MB; %d are kept", name, made.seconds, made.size >> 20, len(self._kept))
        return thing, made.seconds

    def _shrink(self, most: int) -> None:
        while len(self._kept) > most or (len(self._kept) > 1 and self._taken() > self.memory):
            name, _ = self._kept.popitem(last=False)
            _log.info("%s leaves the shelf", name)

    def _taken(self) -> int:
        return sum(kept.size for _, kept in self._kept.values())


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)
