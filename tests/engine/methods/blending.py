"""What the tests of blended methods share."""

from pathlib import Path

import numpy as np
import pytest

from engine.blend.blend import Blend
from engine.blend.counts import Parts
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import RunCancelled
from engine.recommend import Recommender
from engine.result import Result
from engine.run import run
from engine.spec import RunSpec


def stop_while_blending(spec: RunSpec, version: Version, folder: Path) -> None:
    """Run, or go on, until training has ended, and stop within the blend's fit."""
    fit, blending = Blend.fit, False

    def noted(blend: Blend, own: Parts) -> None:
        nonlocal blending
        blending = True
        fit(blend, own)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Blend, "fit", noted)
        with pytest.raises(RunCancelled):
            run(spec, version, folder, lambda event: None, should_stop=lambda: blending)
    assert blending
    assert not (folder / "result.json").exists()


def assert_saved_scores(folder: Path, result: Result, version: Version) -> None:
    """The saved model scores as the run itself did."""
    opened, split = Recommender.open(folder), leave_one_out(version)
    assert result.samples
    for sample in result.samples:
        found = opened.recommend(split.history(version.users.index(sample.user), "test"), 10)["recommended"]
        assert [item["id"] for item in found] == [item.id for item in sample.recommended]
        np.testing.assert_allclose([item["score"] for item in found], [item.score for item in sample.recommended], atol=1e-5)
