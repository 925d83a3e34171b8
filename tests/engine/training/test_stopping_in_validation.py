from pathlib import Path
from typing import Any

import pytest

from engine.data.version import Version
from engine.errors import RunCancelled
from engine.events import CheckpointEvent, Event, MetricEvent
from engine.presets import get_preset
from engine.run import run

TIMES = {"seconds", "targets_per_second", "curve_at", "peak_memory_bytes"}


def train(version: Version, folder: Path, events: list[Event], evaluate_every: int = 1, **how: Any) -> Any:
    settings = {"training.epochs": 2, "training.threads": 1, "method.dimensions": 16, "training.evaluate_every": evaluate_every}
    return run(get_preset("sasrec").spec(settings), version, folder, events.append, **how)


def test_stopped_at_any_moment_it_leaves_a_checkpoint_and_goes_on_to_the_same_end(planted: Version, tmp_path: Path) -> None:
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    straight = train(planted, tmp_path / "straight", [], should_stop=count)
    moments = range(1, asked, max(1, asked // 12))
    ended = 0
    for moment in moments:
        events: list[Event] = []
        folder = tmp_path / str(moment)
        answers = iter([False] * moment)
        with pytest.raises(RunCancelled):
            train(planted, folder, events, should_stop=lambda answers=answers: next(answers, True))
        steps = [event for event in events if isinstance(event, CheckpointEvent) and not event.best]
        assert steps, f"stopped at ask {moment} of {asked}, it left no checkpoint"
        ended += steps[-1].epoch is None
        assert train(planted, folder, []).model_dump(exclude=TIMES) == straight.model_dump(exclude=TIMES), moment
    assert ended < len(moments)


def test_stopped_in_the_evaluation_after_the_last_step_it_has_nothing_left_to_train(planted: Version, tmp_path: Path) -> None:
    every = {"evaluate_every": 3}
    before: list[Event] = []
    straight = train(planted, tmp_path / "straight", before, **every)
    last = max(event.step for event in before if isinstance(event, MetricEvent))
    # Asked before each step, and then, for the first time after all steps, within the evaluation.
    answers = iter([False] * last)
    events: list[Event] = []
    with pytest.raises(RunCancelled):
        train(planted, tmp_path / "stopped", events, should_stop=lambda: next(answers, True), **every)
    assert not any(isinstance(event, MetricEvent) and event.split == "valid" for event in events)
    assert [event.step for event in events if isinstance(event, CheckpointEvent) and not event.best][-1] == last
    again: list[Event] = []
    assert train(planted, tmp_path / "stopped", again, **every).model_dump(exclude=TIMES) == straight.model_dump(exclude=TIMES)
    assert not any(isinstance(event, MetricEvent) and event.split == "train" for event in again)
