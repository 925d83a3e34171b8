"""Which kills, at which moments: drawn from a seed alone."""

import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
SERVICES = ("beat", "reaper", "web")
OF_A_WORKER = ("child", "worker", "parent")
"""The process that does the work, the one of Celery's pool that watches it, and Celery's first one."""
SERVERS = ("redis", "postgres")
MOMENTS = ("training", "evaluation", "checkpoint", "ingest", "search")
LONGEST_DELAY = {"training": 1.0, "evaluation": 0.1, "checkpoint": 0.01, "ingest": 1.5, "search": 1.0}
"""Seconds after the moment was seen, at most."""
SIGNALS = {"redis": [signal.SIGKILL], "postgres": [signal.SIGQUIT]}
"""SIGQUIT stops Postgres at once, as a crash would."""


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        count: it comes at the ``count``-th such moment from when it is due.
        delay: seconds after that.
        away: seconds until the server is started again.
        hurry: whether it comes before the last one has healed.
    """

    target: str
    number: signal.Signals
    moment: str
    count: int
    delay: float
    away: float
    hurry: bool

    @property
    def fault(self) -> str:
        """What it is called in tables."""
        what = {"child": "child", "worker": "Celery worker", "parent": "Celery worker's parent", "web": "web server"}
        name = "immediate stop" if self.target == "postgres" else self.number.name
        return f"random: {name} of {what.get(self.target, self.target)}"


def draw(kills: int, chance: random.Random, searches: bool) -> list[Kill]:
    """So many kills. Targets and moments come from shuffled decks, so that none is left out; the first kills a child.

    Args:
        searches: whether there are searches, whose moments may be met.
    """
    targets = _deck([(target, number) for target in (*OF_A_WORKER, *SERVICES, *SERVERS) for number in _signals(target)], chance)
    moments = _deck([moment for moment in MOMENTS if searches or moment != "search"], chance)
    drawn = [_kill(*next(targets), next(moments), chance) for _ in range(kills - 1)]
    return [_kill("child", signal.SIGKILL, "checkpoint", chance), *drawn]


def _kill(target: str, number: signal.Signals, moment: str, chance: random.Random) -> Kill:
    count = chance.randint(1, 3) if moment in ("evaluation", "checkpoint") else 1
    delay, away = chance.uniform(0, LONGEST_DELAY[moment]), chance.uniform(0, 2)
    return Kill(target, number, moment, count, delay, away, hurry=chance.random() < 0.3)


def _signals(target: str) -> list[signal.Signals]:
    return SIGNALS.get(target, [signal.SIGKILL, signal.SIGTERM])


def _deck(cards: list[T], chance: random.Random) -> Iterator[T]:
    while True:
        yield from chance.sample(cards, len(cards))
