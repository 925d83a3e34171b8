"""A training that goes on with larger limits, and the limits that stand in the way."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.data.version import Version
from engine.errors import RunCancelled, UserError
from engine.events import Event, LogEvent, MetricEvent
from engine.result import Result
from engine.run import run
from engine.seal import seal
from engine.training.checkpoint import CheckpointFolder
from tests.engine.methods.runs import small_spec

TIMES = {"seconds", "targets_per_second", "curve_at", "peak_memory_bytes"}


def train(planted: Version, folder: Path, method: str = "sasrec", events: list[Event] | None = None, **limits: Any) -> Result:
    settings = {f"training.{name}": value for name, value in limits.items()}
    return run(small_spec(method, settings), planted, folder, (events if events is not None else []).append)


def learned(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def same(one: Path, two: Path) -> bool:
    first, second = learned(one), learned(two)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("method", ["sasrec", "gru4rec", "lightgcn"])
def test_k_epochs_and_then_up_to_n_are_n_epochs_straight(method: str, planted: Version, tmp_path: Path) -> None:
    straight = train(planted, tmp_path / "straight", method, epochs=5, evaluate_every=2)
    short = train(planted, tmp_path / "parts", method, epochs=3, evaluate_every=2)
    assert (short.epochs, straight.epochs) == (3, 5)
    events: list[Event] = []
    longer = train(planted, tmp_path / "parts", method, events, epochs=5, evaluate_every=2)
    assert longer.model_dump(exclude=TIMES) == straight.model_dump(exclude=TIMES)
    assert longer.curve_at == straight.curve_at
    assert same(tmp_path / "straight", tmp_path / "parts")
    assert [event.epoch for event in events if isinstance(event, MetricEvent) and event.split == "train"] == [4, 5]
    assert any("going on from end" in event.message for event in events if isinstance(event, LogEvent))


def test_the_time_of_what_is_continued_counts(planted: Version, tmp_path: Path) -> None:
    train(planted, tmp_path, epochs=1)
    end = CheckpointFolder(tmp_path / "checkpoints").end()
    assert end is not None
    state = CheckpointFolder.read_state(end)
    (end / "state.json").write_text(json.dumps({**state, "seconds": 5000.0}))
    seal(end)
    assert train(planted, tmp_path, epochs=2).seconds > 5000


def test_an_extension_may_be_extended_and_may_be_stopped(planted: Version, tmp_path: Path) -> None:
    train(planted, tmp_path / "straight", epochs=4)
    train(planted, tmp_path / "parts", epochs=1)
    train(planted, tmp_path / "parts", epochs=2)
    stop = iter([False] * 2 + [True] * 99)
    with pytest.raises(RunCancelled):
        run(
            small_spec("sasrec", {"training.epochs": 4}),
            planted,
            tmp_path / "parts",
            lambda event: None,
            should_stop=stop.__next__,
        )
    train(planted, tmp_path / "parts", epochs=4)
    assert same(tmp_path / "straight", tmp_path / "parts")


def test_what_was_stopped_goes_on_with_more(planted: Version, tmp_path: Path) -> None:
    train(planted, tmp_path / "straight", epochs=3)
    stop = iter([False] * 3 + [True] * 99)
    with pytest.raises(RunCancelled):
        run(small_spec("sasrec"), planted, tmp_path / "parts", lambda event: None, should_stop=stop.__next__)
    train(planted, tmp_path / "parts", epochs=3)
    assert same(tmp_path / "straight", tmp_path / "parts")


def test_of_several_stages_the_last_one_goes_on(planted: Version, tmp_path: Path) -> None:
    train(planted, tmp_path, "darec", epochs=1)
    events: list[Event] = []
    result = train(planted, tmp_path, "darec", events, epochs=3)
    assert result.epochs == 4, "one of the first stage, three of the last"
    assert [event.epoch for event in events if isinstance(event, MetricEvent) and event.split == "train"] == [3, 4]


def test_patience_that_ran_out_must_grow_too(planted: Version, tmp_path: Path) -> None:
    still: dict[str, Any] = {"learning_rate": 1e-12}
    assert train(planted, tmp_path, epochs=9, patience=1, **still).epochs == 2
    with pytest.raises(UserError, match=r"1 evaluations in a row brought nothing better; raise training\.patience"):
        train(planted, tmp_path, epochs=12, patience=1, **still)
    assert train(planted, tmp_path, epochs=12, patience=3, **still).epochs == 4


def test_time_that_ran_out_must_grow_too(planted: Version, tmp_path: Path) -> None:
    train(planted, tmp_path, epochs=2, minutes=1e-6)
    with pytest.raises(UserError, match="minutes are used up"):
        train(planted, tmp_path, epochs=3, minutes=1e-6)
    assert train(planted, tmp_path, epochs=2, minutes=None).epochs == 2, "what was refused has left no trace"


def test_only_the_limits_may_change_and_only_upwards(planted: Version, tmp_path: Path) -> None:
    train(planted, tmp_path, epochs=2)
    with pytest.raises(UserError, match=r"training\.epochs: got 1, but this training began with 2"):
        train(planted, tmp_path, epochs=1)
    with pytest.raises(UserError, match=r"training\.minutes: got 5\.0, but this training began with no limit"):
        train(planted, tmp_path, epochs=2, minutes=5.0)
    with pytest.raises(UserError, match="holds another run"):
        train(planted, tmp_path, epochs=3, clip=1.0)
    (tmp_path / "run.json").unlink()
    with pytest.raises(UserError, match=r"training\.epochs: got 1"):
        train(planted, tmp_path, epochs=1)


def test_where_the_end_was_not_kept_it_is_said(planted: Version, tmp_path: Path) -> None:
    train(planted, tmp_path, epochs=1)
    end = CheckpointFolder(tmp_path / "checkpoints").end()
    assert end is not None
    (end / "COMPLETE").unlink()
    with pytest.raises(UserError, match="was not kept"):
        train(planted, tmp_path, epochs=2)
