"""The least that can be trained on: three items, and users with a training history of one item."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.recommend import Recommender
from engine.run import run
from tests.engine.conftest import write_version
from tests.engine.methods.runs import small_spec


@pytest.mark.parametrize("method", ["markov", "item-knn", "gru4rec", "bert4rec", "hstu"])
def test_three_items_and_histories_of_one(method: str, tmp_path: Path) -> None:
    sequences = ["abc", "bca", "abca", "cab"]
    rows = [(f"u{user}", item, time) for user, items in enumerate(sequences) for time, item in enumerate(items)]
    version = write_version(tmp_path, rows)
    result = run(small_spec(method, {"evaluation.seen": "keep"}), version, tmp_path / "run", lambda event: None)
    assert result.users_evaluated == 4
    assert result.test["hr@5"] == 1  # of three items
    scores = Recommender.open(tmp_path / "run").method.score([np.array([1], dtype=np.int32)])
    assert scores.shape == (1, 3)
    assert torch.isfinite(scores).all()
