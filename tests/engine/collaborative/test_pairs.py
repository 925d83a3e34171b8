import numpy as np
import torch

from engine.collaborative.negatives import NegativeSampler
from engine.collaborative.pairs import PairBatch, pair_epoch
from engine.methods.method import EpochBatches
from tests.engine.collaborative.test_graph import ITEMS, sequences

HISTORIES = [[0, 1, 1], [], [5, 2], [], [3], [0, 2, 4, 5]]


def epoch(seed: int = 0, number: int = 0, size: int = 3) -> EpochBatches:
    train = sequences(HISTORIES)
    return pair_epoch(train, NegativeSampler(train, ITEMS), 2, size, torch.device("cpu"), (seed, 0, number))


def batches(of: EpochBatches, first: int = 0) -> list[PairBatch]:
    return list(of.starting_at(first))  # type: ignore[arg-type]


def test_an_epoch_holds_every_interaction_once() -> None:
    assert epoch().count == 4
    found = [pair for batch in batches(epoch()) for pair in zip(batch.users.tolist(), batch.positives.tolist(), strict=True)]
    assert sorted(found) == sorted((user, item) for user, history in enumerate(HISTORIES) for item in history)


def test_negatives_fit_their_users() -> None:
    for batch in batches(epoch()):
        assert batch.negatives.shape == (len(batch.users), 2)
        for user, row in zip(batch.users.tolist(), batch.negatives.tolist(), strict=True):
            assert not set(row) & set(HISTORIES[user])


def test_a_batch_is_a_function_of_seed_and_epoch() -> None:
    def flat(of: EpochBatches, first: int = 0) -> list[list[int]]:
        return [batch.positives.tolist() + batch.negatives.ravel().tolist() for batch in batches(of, first)]

    assert flat(epoch(), 2) == flat(epoch())[2:]
    assert flat(epoch()) != flat(epoch(seed=1))
    assert flat(epoch()) != flat(epoch(number=1))


def test_users_without_items_between_others_are_no_trouble() -> None:
    users = np.concatenate([batch.users.numpy() for batch in batches(epoch(size=100))])
    assert set(users.tolist()) == {0, 2, 4, 5}
