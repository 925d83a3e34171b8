"""What the engine reports while it works: small frozen models that travel as JSON."""

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.result import Result


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProgressEvent(_Event):
    """How far a phase of the work has come.

    ``fraction`` is of the whole run (0 to 1) and never falls; ``eta_seconds`` is None until it can be estimated.
    """

    type: Literal["progress"] = "progress"
    phase: str = Field(description="what is being done, in words for people: 'training', 'evaluating test'")
    done: int = Field(ge=0)
    total: int = Field(ge=0)
    unit: str = Field(description="what is counted: steps, users, ...")
    fraction: float = Field(ge=0, le=1)
    epoch: int | None = None
    eta_seconds: float | None = None
    targets_per_second: float | None = None


class MetricEvent(_Event):
    """Metric values at one step; ``split`` is train, valid or test."""

    type: Literal["metric"] = "metric"
    split: Literal["train", "valid", "test"]
    step: int = Field(ge=0)
    epoch: int = Field(ge=0)
    values: dict[str, float]


class LogEvent(_Event):
    """A line of the run's log."""

    type: Literal["log"] = "log"
    message: str


class WarningEvent(_Event):
    """Something that the person who reads the result should know."""

    type: Literal["warning"] = "warning"
    message: str
    hint: str = ""


class CheckpointEvent(_Event):
    """A checkpoint is complete on disk; ``path`` is relative to the run's folder."""

    type: Literal["checkpoint"] = "checkpoint"
    path: str
    step: int = Field(ge=0)
    epoch: int | None = Field(None, description="in which training goes on from here, from 1 over all stages; None: it has ended")
    best: bool = False


class ResultEvent(_Event):
    """The run's result; always the last event of a run that succeeded."""

    type: Literal["result"] = "result"
    result: Result


Event = ProgressEvent | MetricEvent | LogEvent | WarningEvent | CheckpointEvent | ResultEvent
Report = Callable[[Event], None]
