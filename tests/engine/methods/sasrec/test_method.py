from pathlib import Path
from typing import Any

import pytest
import torch

from engine.data.version import Version
from engine.run import run
from tests.engine.methods.runs import small_spec
from tests.engine.methods.test_behaviour import LEARNING, trained


@pytest.mark.parametrize(
    "settings",
    [
        {"method.loss": "gbce", "method.negatives": 16, "training.batch_size": 16},  # its first steps are slow
        {"method.loss": "bce", "method.negatives": 4},
        {"method.softmax": "chunked", "method.chunk": 7},
        {"method.softmax": "sampled", "method.samples": 20},
    ],
)
def test_every_loss_learns_the_planted_pattern(settings: dict[str, Any], planted: Version, tmp_path: Path) -> None:
    result = run(small_spec("sasrec", {**LEARNING, **settings}), planted, tmp_path / "run", lambda event: None)
    baseline = run(small_spec("popularity"), planted, tmp_path / "popularity", lambda event: None)
    assert result.test["ndcg@10"] > 1.5 * baseline.test["ndcg@10"]


def test_chunks_train_to_the_model_of_the_full_softmax(planted: Version, tmp_path: Path) -> None:
    run(small_spec("sasrec"), planted, tmp_path / "full", lambda event: None)
    run(small_spec("sasrec", {"method.softmax": "chunked", "method.chunk": 16}), planted, tmp_path / "parts", lambda event: None)
    full, parts = trained(tmp_path / "full"), trained(tmp_path / "parts")
    for name, weight in full.items():
        torch.testing.assert_close(parts[name], weight, atol=2e-3, rtol=0)
