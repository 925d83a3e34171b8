"""What every method must do, whatever it is. A new method inherits this suite by its line in runs.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import RunCancelled
from engine.methods import METHODS
from engine.recommend import Recommender
from engine.result import Result
from engine.run import run
from engine.training.checkpoint import load_tensors
from tests.engine.methods.runs import PRESETS, TRAINED, small_spec

LEARNING = {"training.epochs": 12, "training.learning_rate": 0.01}
OWN_PACE: dict[str, dict[str, Any]] = {
    # one masked item a window: at the others' pace it learned with some seeds only, so it does with all (.45 to .49 of 5 seeds)
    "bert4rec": {"training.epochs": 24, "training.learning_rate": 0.004},
}


def stop_after(calls: int) -> Callable[[], bool]:
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > calls

    return should_stop


def trained(folder: Path) -> dict[str, torch.Tensor]:
    return load_tensors(folder / "model" / "model.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def comparable(result: Result) -> dict[str, object]:
    return result.model_dump(exclude={"seconds", "targets_per_second", "peak_memory_bytes"})


@pytest.mark.parametrize("method", [method for method in PRESETS if method != "popularity"])
def test_learns_a_planted_pattern(method: str, planted: Version, tmp_path: Path) -> None:
    result = run(small_spec(method, {**LEARNING, **OWN_PACE.get(method, {})}), planted, tmp_path / "run", lambda event: None)
    baseline = run(small_spec("popularity"), planted, tmp_path / "popularity", lambda event: None)
    assert result.test["ndcg@10"] > 1.5 * baseline.test["ndcg@10"]


@pytest.mark.parametrize("method", PRESETS)
def test_a_saved_run_gives_equal_scores(method: str, planted: Version, tmp_path: Path) -> None:
    result = run(small_spec(method), planted, tmp_path, lambda event: None)
    opened = Recommender.open(tmp_path)
    sample = result.samples[0]
    split = leave_one_out(planted)
    history = split.history(planted.users.index(sample.user), "test")
    found = opened.recommend(history, 10)["recommended"]
    if method in TRAINED:  # equal counts may stand in any order
        assert [item["id"] for item in found] == [item.id for item in sample.recommended]
    np.testing.assert_allclose([item["score"] for item in found], [item.score for item in sample.recommended], atol=1e-5)


@pytest.mark.parametrize("method", PRESETS)
def test_the_seed_decides_all(method: str, planted: Version, tmp_path: Path) -> None:
    one = run(small_spec(method), planted, tmp_path / "one", lambda event: None)
    two = run(small_spec(method), planted, tmp_path / "two", lambda event: None)
    assert comparable(one) == comparable(two)
    assert same(trained(tmp_path / "one"), trained(tmp_path / "two"))


@pytest.mark.parametrize("method", TRAINED)
def test_another_seed_gives_another_model(method: str, planted: Version, tmp_path: Path) -> None:
    run(small_spec(method), planted, tmp_path / "one", lambda event: None)
    run(small_spec(method, {"training.seed": 1}), planted, tmp_path / "two", lambda event: None)
    assert not same(trained(tmp_path / "one"), trained(tmp_path / "two"))


@pytest.mark.parametrize("method", TRAINED)
@pytest.mark.parametrize("calls", [3, 11, 17])
def test_stopping_and_going_on_changes_nothing(method: str, calls: int, planted: Version, tmp_path: Path) -> None:
    """n steps = k steps + resume + n-k steps, to the last bit; k lies within epochs and in both stages."""
    whole = run(small_spec(method), planted, tmp_path / "whole", lambda event: None)
    with pytest.raises(RunCancelled):
        run(small_spec(method), planted, tmp_path / "parts", lambda event: None, should_stop=stop_after(calls))
    assert not (tmp_path / "parts" / "result.json").exists()
    parts = run(small_spec(method), planted, tmp_path / "parts", lambda event: None)
    assert comparable(whole) == comparable(parts)
    assert same(trained(tmp_path / "whole"), trained(tmp_path / "parts"))


@pytest.mark.parametrize("method", PRESETS)
def test_stops_when_asked(method: str, planted: Version, tmp_path: Path) -> None:
    with pytest.raises(RunCancelled):
        run(small_spec(method), planted, tmp_path, lambda event: None, should_stop=lambda: True)
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("method", PRESETS)
def test_scores_every_item_for_every_history(method: str, planted: Version, tmp_path: Path) -> None:
    run(small_spec(method), planted, tmp_path, lambda event: None)
    scorer = Recommender.open(tmp_path).method
    long = np.arange(planted.counts.items, dtype=np.int32)
    alone = scorer.score([long[:1]])
    both = scorer.score([long[:1], long])
    assert both.shape == (2, planted.counts.items)
    assert torch.isfinite(both).all()
    torch.testing.assert_close(alone[0], both[0], atol=1e-5, rtol=1e-4)  # the batch a history is scored in changes nothing


@pytest.mark.parametrize("method", PRESETS)
def test_results_say_what_they_are(method: str, planted: Version, tmp_path: Path) -> None:
    result = run(small_spec(method), planted, tmp_path, lambda event: None)
    assert result.method == method
    assert result.data == planted.counts
    assert result.protocol.version == planted.hash
    assert result.protocol.catalogue == planted.counts.items
    assert {"hr@10", "ndcg@10", "mrr@10"} <= result.test.keys()
    assert (result.trainable_parameters > 0) == (method in TRAINED)
    assert Result.model_validate_json((tmp_path / "result.json").read_text(encoding="utf-8")) == result
    ranks = pl.read_parquet(tmp_path / "ranks_test.parquet")
    assert ranks.height == result.users_evaluated
    assert float((ranks["rank"] < 10).mean()) == pytest.approx(result.test["hr@10"])


def test_every_registered_implementation_loads() -> None:
    for entry in METHODS:
        assert entry.load().__name__ == "Implementation"
