"""Waiting for what other processes do, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(ask: Callable[[], T], seconds: float = 30, what: str = "") -> T:
    """The first true answer of ``ask``; AssertionError if there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or 'what was waited for'} did not happen within {seconds:g} s; last answer: {answer!r}")
        time.sleep(0.05)
    return answer
