from pathlib import Path

import numpy as np
import pytest
import torch

from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.methods import METHODS
from engine.methods.method import Context
from engine.methods.pairwise import PairwiseMethod
from engine.recommend import Recommender
from engine.run import run
from tests.engine.conftest import write_version
from tests.engine.methods.runs import small_spec
from tests.engine.methods.test_behaviour import LEARNING


@pytest.mark.parametrize("method", ["bpr-mf", "lightgcn"])
def test_users_vectors_learn_too(method: str, planted: Version, tmp_path: Path) -> None:
    """As published, without a look at the order: better than popularity, though the planted series are a matter of order."""
    settings = {**LEARNING, "method.users": "vector"}
    result = run(small_spec(method, settings), planted, tmp_path / "run", lambda event: None)
    baseline = run(small_spec("popularity"), planted, tmp_path / "popularity", lambda event: None)
    assert result.test["ndcg@10"] > 1.2 * baseline.test["ndcg@10"]


@pytest.mark.parametrize("method", ["bpr-mf", "lightgcn"])
def test_users_of_two_tastes_get_the_items_of_theirs(method: str, tmp_path: Path) -> None:
    """Two groups of users with 12 items each, read in random order: unread items of the group rank above all others."""
    generator = np.random.default_rng(0)
    rows = []
    for user in range(40):
        chosen = generator.choice(12, size=8, replace=False) + 12 * (user % 2)
        rows += [(f"u{user:02d}", f"i{item:02d}", time) for time, item in enumerate(chosen)]
    version = write_version(tmp_path, rows)
    for setting in ("vector", "history"):
        spec = small_spec(method, {**LEARNING, "method.users": setting})
        result = run(spec, version, tmp_path / setting, lambda event: None)
        assert result.test["hr@5"] > 0.9  # five unread items of the group are left, of 17 in all


def test_known_users_have_vectors_and_strangers_the_mean_of_their_history(planted: Version, tmp_path: Path) -> None:
    run(small_spec("bpr-mf", {"method.users": "vector"}), planted, tmp_path, lambda event: None)
    method = Recommender.open(tmp_path).method
    assert isinstance(method, PairwiseMethod)
    history = np.array([3, 8], dtype=np.int32)
    network = method.network
    assert network.user_table is not None
    with torch.no_grad():
        known = method.score([history, history], np.array([4, 0], dtype=np.int32))
        torch.testing.assert_close(known, network.user_table[[4, 0]] @ network.item_table.T)
        stranger = method.score([history])
        near = 0.5 ** (1 / network.half_life)
        mean = (near * network.item_table[3] + network.item_table[8]) / (1 + near)
        torch.testing.assert_close(stranger[0], network.item_table @ mean)


def test_all_vectors_are_trained_and_the_norm_is_not(planted: Version, tmp_path: Path) -> None:
    spec = small_spec("bpr-mf", {"training.epochs": 1})
    result = run(spec, planted, tmp_path / "run", lambda event: None)
    assert result.trainable_parameters == 32 * (planted.counts.users + planted.counts.items)
    torch.manual_seed(spec.training.seed)
    context = Context(
        spec, planted, leave_one_out(planted), torch.device("cpu"), tmp_path / "fresh", lambda event: None, lambda: None
    )
    start = METHODS.get("bpr-mf").load()(context).state()
    end = Recommender.open(tmp_path / "run").method.state()
    assert {name for name in start if torch.equal(start[name], end[name])} == {"norm.weight", "norm.bias"}
