"""Whole runs of DARec in readings other than the preset's: they learn, and stopping and going on changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from engine.blend.blend import STATE
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import RunCancelled, SpecError
from engine.recommend import Recommender
from engine.run import run
from tests.engine.methods.blending import assert_saved_scores, stop_while_blending
from tests.engine.methods.runs import preset_darec, small_spec
from tests.engine.methods.test_behaviour import comparable, same, stop_after, trained

READINGS: dict[str, dict[str, Any]] = {
    "two-level-tasks": {
        "method.mask": "two_level",
        "method.architecture": "none,lora/both/4",
        "method.tasks.next_title": 0.1,
        "method.tasks.item_grounding": 0.1,
        "method.injection.beta": 0.1,
    },
    "lightgcn-sampled": {
        "method.injection.kind": "lightgcn",
        "method.loss.softmax": "sampled",
        "method.loss.samples": 20,
        "method.text.components": 8,
    },
    "hstu-chunked": {
        "method.injection.kind": "hstu",
        "method.loss.softmax": "chunked",
        "method.loss.chunk": 7,
    },
    "blended": {"method.text_match": 4.0, "method.text.components": 8, "method.blend.fit": True, "method.blend.users": 50},
    "blended-hstu-without-counts": {
        "method.injection.kind": "hstu",
        "method.injection.share_of_time": 0,
        "method.blend.fit": True,
        "method.blend.counts": False,
    },
    "frozen-bpr-chunked": {
        "method.injection.kind": "bpr-mf",
        "method.injection.joint": False,
        "method.mask": "per_layer",
        "method.loss.softmax": "chunked",
        "method.loss.chunk": 7,
    },
    "matched-without-cf": {
        "method.injection.kind": "none",
        "method.text_match": 4.0,
        "method.tasks.item_grounding": 0.1,
        "method.text.components": 6,
    },
    "mixed-adapters": {
        "method.mask": "two_level",
        "method.architecture": "dora/attention/2,oft/both/4",
        "method.blend.fit": True,
    },
    "from-the-start": {"method.injection.share_of_time": 0, "method.mask": "per_head", "method.checkpointing": True},
}


@pytest.mark.parametrize("reading", READINGS)
def test_stopping_and_going_on_changes_nothing(reading: str, planted: Version, tmp_path: Path) -> None:
    spec = small_spec("darec", READINGS[reading])
    whole = run(spec, planted, tmp_path / "whole", lambda event: None)
    with pytest.raises(RunCancelled):
        run(spec, planted, tmp_path / "parts", lambda event: None, should_stop=stop_after(13))
    parts = run(spec, planted, tmp_path / "parts", lambda event: None)
    assert comparable(whole) == comparable(parts)
    assert same(trained(tmp_path / "whole"), trained(tmp_path / "parts"))


@pytest.mark.parametrize("change", [{}, {"method.injection.kind": "hstu"}])
def test_the_preset_learns_stops_and_goes_on(change: dict[str, Any], planted: Version, tmp_path: Path) -> None:
    """Stopped within training, and again while it is blended."""
    spec = preset_darec(change)
    whole = run(spec, planted, tmp_path / "whole", lambda event: None)
    assert STATE in trained(tmp_path / "whole")
    with pytest.raises(RunCancelled):
        run(spec, planted, tmp_path / "parts", lambda event: None, should_stop=stop_after(8))
    stop_while_blending(spec, planted, tmp_path / "parts")
    parts = run(spec, planted, tmp_path / "parts", lambda event: None)
    assert comparable(whole) == comparable(parts)
    assert same(trained(tmp_path / "whole"), trained(tmp_path / "parts"))
    assert_saved_scores(tmp_path / "whole", whole, planted)


@pytest.mark.parametrize("architecture", ["lokr/mlp/2,lora/both/4", "ia3/both/1", "none"])
def test_any_architecture_is_saved_and_opened_again(architecture: str, planted: Version, tmp_path: Path) -> None:
    spec = small_spec("darec", {"method.architecture": architecture, "training.epochs": 1})
    result = run(spec, planted, tmp_path, lambda event: None)
    written = {(layer.kind, layer.target, layer.rank) for layer in result.architecture}
    assert written == {(choice.kind, choice.target, choice.rank) for choice in spec.method.architecture}  # type: ignore[attr-defined]
    assert (tmp_path / "model" / "adapter").exists() == (architecture != "none")
    opened = Recommender.open(tmp_path)
    sample = result.samples[0]
    history = leave_one_out(planted).history(planted.users.index(sample.user), "test")
    found = opened.recommend(history, 10)["recommended"]
    assert [item["id"] for item in found] == [item.id for item in sample.recommended]
    assert [item["score"] for item in found] == pytest.approx([item.score for item in sample.recommended], abs=1e-5)


def test_a_frozen_cf_model_needs_a_stage_of_its_own() -> None:
    with pytest.raises(SpecError, match=r"injection\.share_of_time: got 0, must be more than 0 where injection\.joint is off"):
        small_spec("darec", {"method.injection.joint": False, "method.injection.share_of_time": 0})


def test_without_next_item_nothing_ranks() -> None:
    with pytest.raises(SpecError, match=r"next_item: got 0, must be more than 0"):
        small_spec("darec", {"method.tasks.next_item": 0})


def test_a_split_needs_a_layer_on_each_side() -> None:
    with pytest.raises(SpecError, match=r"lower_layers: got 2 of 2 layers"):
        small_spec("darec", {"method.mask": "two_level", "method.lower_layers": 2})
