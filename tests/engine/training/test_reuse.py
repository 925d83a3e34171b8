"""The CF model trained alone is taken over by runs that differ elsewhere, and changes nothing."""

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.data.version import Version
from engine.events import LogEvent
from engine.result import Result
from engine.run import run
from engine.training.reuse import StageOutcome, keep_stage, take_stage
from tests.engine.methods.runs import small_spec
from tests.engine.methods.test_behaviour import comparable, same, trained


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("DARECLAB_CACHE", str(folder))
    return folder


def told(version: Version, folder: Path, settings: dict[str, Any]) -> tuple[Result, bool]:
    """The result, and whether the CF model was taken over."""
    messages: list[str] = []
    spec = small_spec("darec", {"method.injection.share_of_time": 0.5, **settings})
    result = run(spec, version, folder, lambda event: messages.append(event.message) if isinstance(event, LogEvent) else None)
    return result, any("taken over" in message for message in messages)


@pytest.fixture(scope="module")
def trained_before(planted: Version, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the CF model of the plain settings, trained for one epoch."""
    folder = tmp_path_factory.mktemp("trained-before")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARECLAB_CACHE", str(folder))
        told(planted, folder / "run", {"training.epochs": 1})
        assert told(planted, folder / "again", {"training.epochs": 1})[1]
    return folder


def test_an_equal_stage_is_taken_over_and_gives_the_same_model(planted: Version, tmp_path: Path, empty_cache: Path) -> None:
    first, first_taken = told(planted, tmp_path / "first", {})
    again, again_taken = told(planted, tmp_path / "again", {})
    assert (first_taken, again_taken) == (False, True)
    assert comparable(first) == comparable(again)
    assert same(trained(tmp_path / "first"), trained(tmp_path / "again"))


def test_what_does_not_touch_the_cf_model_shares_it(planted: Version, tmp_path: Path, empty_cache: Path) -> None:
    """A run gives the same whether another one was there before it or not."""
    other = {"method.text.content": "ids", "method.text_match": 0, "method.architecture": "none"}
    alone, taken = told(planted, tmp_path / "alone", other)
    assert not taken
    for path in (empty_cache / "stages").iterdir():
        path.rename(empty_cache / path.name)  # as if it had never been
    told(planted, tmp_path / "base", {})
    shared, taken = told(planted, tmp_path / "shared", other)
    assert taken
    assert comparable(alone) == comparable(shared)
    assert same(trained(tmp_path / "alone"), trained(tmp_path / "shared"))


@pytest.mark.parametrize(
    "settings",
    [
        {"training.seed": 1},
        {"training.learning_rate": 0.002},
        {"method.injection.sasrec.dropout": 0.2},
        {"training.minutes": 5},
        {"method.injection.kind": "lightgcn"},
        {"method.loss.softmax": "chunked"},
        {"evaluation.seen": "keep"},
        {"method.injection.reuse": False},
    ],
)
def test_what_touches_the_cf_model_trains_another(
    settings: dict[str, Any], planted: Version, tmp_path: Path, trained_before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARECLAB_CACHE", str(trained_before))
    assert not told(planted, tmp_path / "other", {"training.epochs": 1, **settings})[1]


def test_two_processes_may_keep_the_same_stage_at_once(empty_cache: Path) -> None:
    weight = {number: torch.full((300, 300), float(number)) for number in range(4)}
    outcome = StageOutcome(epoch=1, best_epoch=1, best_value=0.5, step=3, targets=9, seconds=1.0, step_seconds=1.0)
    start = multiprocessing.get_context("fork").Barrier(4)
    children = [
        multiprocessing.get_context("fork").Process(target=_keep, args=(start, tensor, outcome)) for tensor in weight.values()
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 4
    module = torch.nn.Linear(300, 300, bias=False)
    assert take_stage("same", module) == outcome
    assert any(torch.equal(module.weight, tensor) for tensor in weight.values())
    assert [path.name for path in (empty_cache / "stages").iterdir()] == ["same"], "nothing is left behind"


def _keep(start: Barrier, tensor: torch.Tensor, outcome: StageOutcome) -> None:
    module = torch.nn.Linear(300, 300, bias=False)
    with torch.no_grad():
        module.weight.copy_(tensor)
    start.wait()
    keep_stage("same", module, outcome)
