"""Every state that passes by itself: how long it may last without anybody at work, and the way out. The one table of them.

Seconds count from the last sign of life of whoever is at work, or from when the row was last asked for. The reaper judges nobody
within ``quiet_start`` seconds after its own or the database's start, so that much is added there.
"""

from collections.abc import Callable
from dataclasses import dataclass

from webapp.datasets.models import DerivedState, QuestionState, VersionState
from webapp.delivering.models import ListsState
from webapp.experiments.models import RunState
from webapp.searches.models import SearchState, TrialState
from webapp.serving.models import AskState
from workers.outbox import UNCLAIMED
from workers.timings import Timings

SWEPT_AFTER = 86_400.0
"""Seconds: ``workers.sweep.KEPT_FOR``."""


@dataclass(frozen=True)
class Transition:
    """A state that passes.

    Attributes:
        row: what it is a state of.
        state: as stored, or in words where there is no column for it.
        seconds: after so long it is noticed that nobody is at work.
        way_out: what happens then.
    """

    row: str
    state: str
    seconds: Callable[[Timings], float]
    way_out: str


def _silence(timings: Timings) -> float:
    return timings.silence + timings.look


def _resend(timings: Timings) -> float:
    return timings.resend_after + timings.look


def _unclaimed(timings: Timings) -> float:
    return UNCLAIMED * timings.resend_after + timings.look


_LOST = "the reaper counts a lost attempt: queued again, lost for good after the third"
_AGAIN = "the reaper asks for it again, where its queue holds no message"
TRANSITIONS = (
    Transition("run", RunState.QUEUED, _resend, _AGAIN),
    Transition("run", RunState.STARTING, _silence, _LOST),
    Transition("run", RunState.RUNNING, _silence, _LOST),
    Transition("run", RunState.EVALUATING, _silence, _LOST),
    Transition("run", RunState.CANCELLING, _silence, "the reaper ends it as cancelled"),
    Transition(
        "run",
        "cancelling, while its process goes on",
        lambda timings: timings.cancel_grace + timings.look,
        "its worker kills the process, and it ends as cancelled",
    ),
    Transition("version", VersionState.QUEUED, _resend, _AGAIN),
    Transition("version", VersionState.INGESTING, _silence, "the reaper queues it again, and fails it after the third loss"),
    Transition(
        "version",
        "ingesting, while its process goes on",
        lambda timings: timings.ingest_wall + timings.look,
        "its worker kills the process, and it fails: it took too long",
    ),
    Transition("derived", DerivedState.QUEUED, _resend, _AGAIN),
    Transition("derived", DerivedState.MAKING, _silence, "the reaper queues it again, and fails it after the third loss"),
    Transition("lists", ListsState.QUEUED, _resend, _AGAIN),
    Transition("lists", ListsState.MAKING, _silence, "the reaper queues them again, and fails them after the third loss"),
    Transition("question", QuestionState.ASKED, _resend, f"{_AGAIN}; a day later it is swept"),
    Transition("ask", AskState.ASKED, _resend, f"{_AGAIN}; a day later it is swept"),
    Transition("ask", "asked, and taken by a worker", _silence, "the reaper takes it for not taken, and asks again"),
    Transition("comparison of runs", "not answered", _unclaimed, _AGAIN),
    Transition("comparison of a group", "not compared", _unclaimed, _AGAIN),
    Transition("delivery", "to be tried", _resend, f"{_AGAIN}; given up after the last try"),
    Transition(
        "mirror", "to be told", lambda timings: 10 + 120, "beat asks again; one that a worker has taken is due after 120 seconds"
    ),
    Transition(
        "search",
        SearchState.RUNNING,
        lambda timings: timings.suggest + timings.stand_still,
        "beat asks again; it fails after too many losses in a row",
    ),
    Transition("search", SearchState.FINISHING, lambda timings: timings.suggest + timings.stand_still, "as running"),
    Transition("search", SearchState.PAUSED, lambda timings: float("inf"), "a person resumes or cancels it; nobody works at it"),
    Transition("trial", TrialState.RUNNING, lambda timings: timings.stand_still, "beat asks for its search once the run ended"),
    Transition("upload", "parts arrive", lambda timings: SWEPT_AFTER, "the sweep removes it, a day after its last part"),
    Transition("echo", "asked", lambda timings: SWEPT_AFTER, "its message expires in seconds; the sweep removes the row"),
)
