from pathlib import Path

import numpy as np
import pytest

from engine.data.sequences import Sequences
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.methods.item_knn import method as item_knn
from engine.methods.item_knn.method import find_neighbours
from engine.methods.item_knn.spec import ItemKnnSpec
from engine.presets import get_preset
from engine.recommend import Recommender
from engine.run import run
from tests.engine.conftest import write_version

ALL = 100_000


def similarities_by_hand(train: Sequences, items: int, spec: ItemKnnSpec) -> np.ndarray:
    matrix = np.zeros((len(train), items))
    for user in range(len(train)):
        for item in train[user].tolist():
            matrix[user, item] = 1 if spec.values == "binary" else matrix[user, item] + 1
        length = np.sqrt((matrix[user] ** 2).sum())
        if spec.normalise_users and length:
            matrix[user] /= length
    found = np.zeros((items, items))
    for one in range(items):
        for other in range(items):
            scale = np.linalg.norm(matrix[:, one]) * np.linalg.norm(matrix[:, other]) + spec.shrinkage
            if one != other and scale:
                found[one, other] = matrix[:, one] @ matrix[:, other] / scale
    return found


def neighbours(train: Sequences, items: int, spec: ItemKnnSpec) -> np.ndarray:
    found: np.ndarray = find_neighbours(train, items, spec, lambda: None).toarray()
    return found


@pytest.mark.parametrize(
    "spec",
    [
        ItemKnnSpec(neighbours=ALL, shrinkage=0),
        ItemKnnSpec(neighbours=ALL, shrinkage=3, values="count"),
        ItemKnnSpec(neighbours=ALL, shrinkage=0.5, normalise_users=True),
    ],
)
@pytest.mark.parametrize("dense", [1, 500, 1 << 22])  # a block of one item, of some, of all
def test_similarities_are_those_of_training_rows(
    spec: ItemKnnSpec, dense: int, planted: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_knn, "DENSE", dense)
    train, items = leave_one_out(planted).train, planted.counts.items
    np.testing.assert_allclose(neighbours(train, items, spec), similarities_by_hand(train, items, spec), atol=1e-9)


def test_each_item_keeps_its_nearest(planted: Version) -> None:
    train, items = leave_one_out(planted).train, planted.counts.items
    kept = neighbours(train, items, ItemKnnSpec(neighbours=4))
    every = similarities_by_hand(train, items, ItemKnnSpec())
    assert ((kept > 0).sum(axis=1) <= 4).all()
    np.testing.assert_allclose(kept[kept > 0], every[kept > 0])
    np.testing.assert_allclose(np.sort(kept, axis=1)[:, -4:], np.sort(every, axis=1)[:, -4:])


def test_scores_sum_over_the_history_by_recency(planted: Version, tmp_path: Path) -> None:
    settings = {"method.recency": 0.7, "method.neighbours": 5}
    run(get_preset("item-knn").spec(settings), planted, tmp_path, lambda event: None)
    method = Recommender.open(tmp_path).method
    train, items = leave_one_out(planted).train, planted.counts.items
    matrix = neighbours(train, items, method.settings)
    histories = [train[0], train[1][:1]]
    for scores, history in zip(method.score(histories).numpy(), histories, strict=True):
        weights = 0.7 ** np.arange(len(history))[::-1]
        np.testing.assert_allclose(scores, weights @ matrix[history], atol=1e-5)


def test_held_out_rows_are_never_counted(tmp_path: Path) -> None:
    rows = [(f"u{user}", item, time) for user in range(5) for time, item in enumerate("abxy")]
    version = write_version(tmp_path, rows)
    found = neighbours(leave_one_out(version).train, 4, ItemKnnSpec(shrinkage=0))
    a, b = (version.item_ids.index(item) for item in "ab")
    wanted = np.zeros((4, 4))
    wanted[a, b] = wanted[b, a] = 1
    np.testing.assert_allclose(found, wanted)
