"""Trained again from nothing but the bundle and the data, also where an earlier run left a stage behind that could stand in."""

from pathlib import Path

import pytest

from engine.cache import CACHE
from engine.data.version import Version
from engine.errors import UserError
from engine.reproduce.again import evaluate_again, reasons, require_data, train_again
from engine.reproduce.bundle import BUNDLE, read_bundle
from engine.run import never, run
from tests.engine.conftest import write_version
from tests.engine.methods.runs import preset_darec, small_spec


def test_darec_comes_out_again_to_the_last_bit(planted: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its blend, its warmed-up nano and the stage that trains the CF model alone: all of it made again."""
    run(preset_darec({"training.epochs": 1}), planted, tmp_path / "run", lambda event: None)
    bundle = read_bundle(tmp_path / "run" / BUNDLE)
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    assert reasons(bundle, trained=True) == []
    assert train_again(bundle, planted, tmp_path / "again", lambda event: None, never) == bundle.numbers
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["nano", "stages", "text_vectors"], (
        "nothing was there to be taken over"
    )
    assert evaluate_again(bundle, planted, tmp_path / "run") == bundle.numbers


def test_why_bits_cannot_be_asked_for(planted: Version, tmp_path: Path) -> None:
    run(small_spec("sasrec", {"training.epochs": 1, "training.minutes": 5}), planted, tmp_path, lambda event: None)
    bundle = read_bundle(tmp_path / BUNDLE)
    assert [reason.partition(" (")[0] for reason in reasons(bundle, trained=True)] == ["training ended by the clock"]
    assert reasons(bundle, trained=False) == []
    gpu = bundle.model_copy(update={"machine": bundle.machine.model_copy(update={"kind": "NVIDIA H100"})})
    assert "a GPU adds numbers in an order of its own" in reasons(gpu, trained=False)


def test_other_data_are_refused(planted: Version, tmp_path: Path) -> None:
    run(small_spec("popularity"), planted, tmp_path / "run", lambda event: None)
    bundle = read_bundle(tmp_path / "run" / BUNDLE)
    require_data(bundle, planted)
    other = write_version(tmp_path / "other", [(user, item, time) for user in "uv" for time, item in enumerate("abcd")])
    with pytest.raises(UserError, match=r"hash is .*, the run's .* \(8 interactions, the run had"):
        require_data(bundle, other)
