"""Refits: everything is learned from, for as long as validation chose; and nothing is measured."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.commands.main import main
from engine.data.everything import everything
from engine.data.version import Version
from engine.errors import RunCancelled, UserError
from engine.events import LogEvent, MetricEvent
from engine.recommend import Recommender
from engine.refit import refit
from engine.run import run
from engine.training.checkpoint import load_tensors
from tests.engine.conftest import histories
from tests.engine.methods.runs import PRESETS, small_spec


def test_everything_is_for_training_and_nobody_has_a_target(planted: Version) -> None:
    split = everything(planted)
    assert len(split.train.items) == planted.counts.interactions
    assert not len(split.targets("test")[0])
    assert not len(split.targets("valid")[0])
    assert split.hash == everything(planted).hash


@pytest.mark.parametrize("method", sorted(PRESETS))
def test_every_method_is_refitted_with_the_epochs_that_were_chosen(method: str, planted: Version, tmp_path: Path) -> None:
    found = run(small_spec(method), planted, tmp_path / "run", lambda event: None)
    events: list[Any] = []
    result = refit(tmp_path / "run", planted, tmp_path / "refit", events.append, name="run-7")
    assert (result.valid, result.test, result.slices, result.samples, result.users_evaluated) == ({}, {}, [], [], 0)
    assert result.refit_of == "run-7"
    assert "run-7" in result.warnings[0]
    assert result.stage_epochs == found.stage_epochs
    assert sum(isinstance(event, MetricEvent) and event.split == "train" for event in events) == sum(found.stage_epochs)
    assert not any(isinstance(event, MetricEvent) and event.split == "valid" for event in events)
    assert result.protocol.split == "everything (nothing held out)"
    recommender = Recommender.open(tmp_path / "refit")
    assert recommender.test_user(planted.users[0], 5)["target"] is None
    assert len(recommender.split.train.items) == planted.counts.interactions


def test_what_was_counted_is_counted_over_all_rows(tmp_path: Path) -> None:
    version = histories(tmp_path / "v", [[0, 1, 2, 3], [0, 1, 2, 3], [0, 2, 1, 3]])
    run(small_spec("popularity"), version, tmp_path / "run", lambda event: None)
    before = Recommender.open(tmp_path / "run", version).recommend(np.array([0], np.int32), 4)["recommended"]
    refit(tmp_path / "run", version, tmp_path / "refit", lambda event: None)
    after = Recommender.open(tmp_path / "refit", version).recommend(np.array([0], np.int32), 4)["recommended"]
    scores = [{line["id"]: line["score"] for line in lines} for lines in (before, after)]
    held_out = "i3"
    assert scores[0][held_out] < scores[1][held_out]


def test_a_refit_that_was_stopped_goes_on_to_the_same_weights(planted: Version, tmp_path: Path) -> None:
    run(small_spec("sasrec"), planted, tmp_path / "run", lambda event: None)
    refit(tmp_path / "run", planted, tmp_path / "straight", lambda event: None)
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) == 4

    with pytest.raises(RunCancelled):
        refit(tmp_path / "run", planted, tmp_path / "stopped", lambda event: None, should_stop=stop)
    events: list[Any] = []
    refit(tmp_path / "run", planted, tmp_path / "stopped", events.append)
    assert any(isinstance(event, LogEvent) and "going on from" in event.message for event in events)
    weights = [load_tensors(tmp_path / name / "model" / "model.safetensors") for name in ("straight", "stopped")]
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_the_weights_of_a_blend_are_those_of_the_run(planted: Version, tmp_path: Path) -> None:
    spec = small_spec("sasrec")
    blend = spec.method.blend.model_copy(update={"fit": True})  # type: ignore[attr-defined]
    spec = spec.model_copy(update={"method": spec.method.model_copy(update={"blend": blend})})
    run(spec, planted, tmp_path / "run", lambda event: None)
    refit(tmp_path / "run", planted, tmp_path / "refit", lambda event: None)
    weights = [load_tensors(tmp_path / name / "model" / "model.safetensors")["blend.weights"] for name in ("run", "refit")]
    assert weights[0].equal(weights[1])


def test_what_cannot_be_refitted_is_refused(planted: Version, tmp_path: Path) -> None:
    def silent(event: object) -> None:
        return

    with pytest.raises(UserError, match="no finished run"):
        refit(tmp_path / "nothing", planted, tmp_path / "refit", silent)
    spec = small_spec("popularity")
    run(spec, planted, tmp_path / "run", silent)
    other = histories(tmp_path / "other", [[0, 1, 2, 3], [0, 1, 2, 3]])
    with pytest.raises(UserError, match="another version"):
        refit(tmp_path / "run", other, tmp_path / "refit", silent)
    with pytest.raises(UserError, match="holds another run"):
        refit(tmp_path / "run", planted, tmp_path / "run", silent)
    refit(tmp_path / "run", planted, tmp_path / "refit", silent)
    with pytest.raises(UserError, match="is a refit already"):
        refit(tmp_path / "refit", planted, tmp_path / "again", silent)
    with pytest.raises(UserError, match="holds a refit"):
        run(spec, planted, tmp_path / "refit", silent)


def as_earlier_releases_wrote_it(folder: Path) -> None:
    """With an empty marker, and a state that names neither spec nor result."""
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    kept = {name: value for name, value in state.items() if name not in ("sealed", "spec", "result")}
    (folder / "state.json").write_text(json.dumps(kept), encoding="utf-8")
    (folder / "COMPLETE").write_text("")


def test_several_stages_of_an_older_run_are_refused(planted: Version, tmp_path: Path) -> None:
    run(small_spec("darec"), planted, tmp_path / "run", lambda event: None)
    path = tmp_path / "run" / "result.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    assert len(result["stage_epochs"]) == 2
    path.write_text(json.dumps({**result, "stage_epochs": []}), encoding="utf-8")
    as_earlier_releases_wrote_it(tmp_path / "run" / "model")
    with pytest.raises(UserError, match="2 stages"):
        refit(tmp_path / "run", planted, tmp_path / "refit", lambda event: None)


def test_the_command_refits_and_a_refit_is_not_evaluated(
    planted: Version, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(small_spec("popularity"), planted, tmp_path / "run", lambda event: None)
    assert main(["refit", "--run", str(tmp_path / "run"), "--out", str(tmp_path / "refit")]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (printed["test"], printed["refit_of"], printed["run"]) == ({}, "run", str(tmp_path / "refit"))
    assert main(["evaluate", "--run", str(tmp_path / "refit")]) == 2
    assert "nothing that it has not seen" in capsys.readouterr().err
