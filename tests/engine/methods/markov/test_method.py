from pathlib import Path

import numpy as np
import pytest

from engine.data.sequences import Sequences
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.methods.markov.method import count_pairs
from engine.methods.markov.spec import MarkovSpec
from engine.presets import get_preset
from engine.recommend import Recommender
from engine.run import run
from tests.engine.conftest import write_version

PLAIN = {"reach": 1, "votes": 1, "smoothing": 1.0}


def count_by_hand(train: Sequences, items: int, spec: MarkovSpec) -> np.ndarray:
    counts = np.zeros((items, items))
    for user in range(len(train)):
        sequence = train[user].tolist()
        for place, item in enumerate(sequence):
            for before in range(max(0, place - spec.reach), place):
                counts[sequence[before], item] += spec.reach_decay ** (place - before - 1)
    return counts


def fitted(version: Version, folder: Path, settings: dict[str, object]) -> Recommender:
    spec = get_preset("markov").spec({f"method.{name}": value for name, value in settings.items()})
    run(spec, version, folder, lambda event: None)
    return Recommender.open(folder)


@pytest.mark.parametrize("reach", [1, 2, 7])
def test_pairs_are_those_of_training_rows(reach: int, planted: Version) -> None:
    spec = MarkovSpec(reach=reach, reach_decay=0.7)
    train, items = leave_one_out(planted).train, planted.counts.items
    counts = count_pairs(train, items, spec, lambda: None)
    np.testing.assert_allclose(counts.toarray(), count_by_hand(train, items, spec))


def test_a_reach_beyond_all_sequences_is_no_error() -> None:
    train = Sequences(np.array([0, 2, 3]), np.array([0, 1, 0], dtype=np.int32))
    counts = count_pairs(train, 2, MarkovSpec(reach=50), lambda: None)
    assert counts.toarray().tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize("settings", [PLAIN, {"reach": 3, "votes": 4, "vote_decay": 0.6, "smoothing": 2.5}])
def test_scores_are_the_smoothed_mixture(settings: dict[str, object], planted: Version, tmp_path: Path) -> None:
    recommender = fitted(planted, tmp_path, settings)
    spec = recommender.method.settings
    train, items = leave_one_out(planted).train, planted.counts.items
    counts = count_by_hand(train, items, spec)
    popularity = np.bincount(train.items, minlength=items) / len(train.items)
    matrix = (counts + spec.smoothing * popularity) / (counts.sum(axis=1, keepdims=True) + spec.smoothing)
    histories = [train[0], train[1][:1], train[2]]
    for scores, history in zip(recommender.method.score(histories).numpy(), histories, strict=True):
        voters = history[::-1][: spec.votes]
        weights = spec.vote_decay ** np.arange(len(voters))
        np.testing.assert_allclose(scores, weights @ matrix[voters] / weights.sum(), atol=1e-6)
        assert scores.sum() == pytest.approx(1, abs=1e-5)


def test_held_out_rows_are_never_counted(tmp_path: Path) -> None:
    """In each user's rows x follows b, and y follows x, but only as targets; in training, only b follows a, and a follows c."""
    rows = [(f"u{user}", item, time) for user in range(5) for time, item in enumerate("cabxy")]
    recommender = fitted(write_version(tmp_path, rows), tmp_path / "run", PLAIN)
    index = {item: place for place, item in enumerate(recommender.version.item_ids)}
    scores = recommender.method.score([np.array([index[item]], dtype=np.int32) for item in "abcxy"]).numpy()
    assert (scores[:, [index["x"], index["y"]]] == 0).all()
    by_popularity = scores[["a", "b", "c", "x", "y"].index("b")]  # nothing followed b in training
    np.testing.assert_allclose(by_popularity[[index["a"], index["b"], index["c"]]], 1 / 3, atol=1e-6)
    assert scores[0].argmax() == index["b"]
    assert scores[2].argmax() == index["a"]


def test_ties_follow_popularity(tmp_path: Path) -> None:
    """After a, nothing is known of c and d; c is the more popular one."""
    sequences = ["abbxy", "cbbxy", "cdbxy", "ccbxy"]
    rows = [(f"u{user}", item, time) for user, items in enumerate(sequences) for time, item in enumerate(items)]
    recommender = fitted(write_version(tmp_path, rows), tmp_path / "run", PLAIN)
    history = np.array([recommender.version.item_ids.index("a")], dtype=np.int32)
    order = [item["id"] for item in recommender.recommend(history, 10)["recommended"]]
    assert order.index("b") < order.index("c") < order.index("d")
