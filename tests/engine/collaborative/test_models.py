"""What every collaborative model must do, whatever it is."""

import numpy as np
import pytest
import torch

from engine.collaborative.batches import history_batch, window_epoch
from engine.collaborative.build import build_collaborative
from engine.collaborative.history_mean import HistoryMeanModel
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.spec import BprMfShape, Gru4recShape, HstuShape, LightgcnShape, SasrecShape
from engine.data.sequences import Sequences
from engine.fields import Spec

ITEMS = 30
KINDS = ("sasrec", "hstu", "gru4rec", "lightgcn", "bpr-mf")
LENGTHS = [12, 3, 0, 7, 20]


class Choice(Spec):
    kind: str
    sasrec: SasrecShape = SasrecShape(window=16, dimensions=8, heads=2)
    hstu: HstuShape = HstuShape(window=16, dimensions=8, heads=2, attention_dimensions=4, value_dimensions=4)
    gru4rec: Gru4recShape = Gru4recShape(window=16, dimensions=8, hidden=16)
    lightgcn: LightgcnShape = LightgcnShape(window=16, dimensions=8, layers=2, half_life=3.0)
    bpr_mf: BprMfShape = BprMfShape(window=16, dimensions=8, half_life=3.0)


def histories() -> Sequences:
    generator = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(LENGTHS)]).astype(np.int64)
    return Sequences(offsets, generator.integers(0, ITEMS - 1, size=sum(LENGTHS)).astype(np.int32))


def build(kind: str) -> CollaborativeModel:
    torch.manual_seed(0)
    return build_collaborative(Choice(kind=kind), ITEMS, histories())


@pytest.mark.parametrize("kind", KINDS)
def test_later_items_move_no_earlier_state(kind: str) -> None:
    model = build(kind).eval()
    train = histories()
    items, lengths = history_batch([train[0], train[3], train[4]], model.window, ITEMS, torch.device("cpu"))
    vectors = model.catalogue()
    before = model.states(items, lengths, vectors)
    for k in range(6):
        changed = items.clone()
        real = torch.arange(items.shape[1]) < lengths[:, None]
        later = real & (torch.arange(items.shape[1]) > k)
        changed[later] = (items[later] + 7) % ITEMS
        after = model.states(changed, lengths, vectors)
        torch.testing.assert_close(after[:, : k + 1], before[:, : k + 1])
        assert not torch.allclose(after[:, k + 1], before[:, k + 1])


@pytest.mark.parametrize("kind", KINDS)
def test_padding_moves_no_state(kind: str) -> None:
    model = build(kind).eval()
    train = histories()
    vectors = model.catalogue()
    together = model.states(*history_batch([train[1], train[4]], model.window, ITEMS, torch.device("cpu")), vectors)
    alone = model.states(*history_batch([train[1]], model.window, ITEMS, torch.device("cpu")), vectors)
    torch.testing.assert_close(together[:1, :3], alone)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_a_function_of_seed_and_batch(kind: str) -> None:
    model = build(kind).eval()
    batch = window_epoch(histories(), 8, 4, ITEMS, torch.device("cpu"), (0, 0, 0)).make(0)
    first = model.loss(batch, 0)  # type: ignore[arg-type]
    second = model.loss(batch, 0)  # type: ignore[arg-type]
    assert torch.equal(first.value, second.value)
    assert first.targets > 0
    assert bool(model.loss(batch, 1).value != first.value) == (kind not in ("sasrec", "hstu", "gru4rec"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_loss_teaches_the_next_item(kind: str) -> None:
    """Users go round one circle of items from different starts: after some steps the next item ranks first or nearly so."""
    users, circle = 40, 20
    items = (np.arange(users)[:, None] * 3 + np.arange(8)) % circle
    train = Sequences(np.arange(0, users * 8 + 1, 8, dtype=np.int64), items.ravel().astype(np.int32))
    torch.manual_seed(0)
    model = build_collaborative(Choice(kind=kind), circle, train)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for epoch in range(60):
        for batch in window_epoch(train, 8, 20, circle, torch.device("cpu"), (0, 0, epoch)).starting_at(0):
            optimizer.zero_grad()
            model.loss(batch, 0).value.backward()  # type: ignore[arg-type]
            optimizer.step()
    model.eval()
    histories = [train[user][:5] for user in range(users)]
    scores = model.scorer()(histories, None)
    for user, history in enumerate(histories):
        scores[user, history.tolist()] = -torch.inf
    ranks = (scores > scores.gather(1, torch.from_numpy(items[:, 5:6]))).sum(dim=1)
    assert float(ranks.float().mean()) < 1.0  # of 15 items left; chance is 7


@pytest.mark.parametrize("half_life", [0.5, 4.0])
def test_the_state_is_the_recency_weighted_mean(half_life: float) -> None:
    choice = Choice(kind="bpr-mf", bpr_mf=BprMfShape(window=16, dimensions=8, half_life=half_life))
    model = build_collaborative(choice, ITEMS, histories())
    history = np.array([3, 1, 3, 9], dtype=np.int32)
    states = model.states(*history_batch([history], 16, ITEMS, torch.device("cpu")), model.catalogue())
    for k in range(len(history)):
        weights = torch.tensor([0.5 ** ((k - place) / half_life) for place in range(k + 1)])
        wanted = (weights[:, None] * model.catalogue()[history[: k + 1].tolist()]).sum(dim=0) / weights.sum()
        torch.testing.assert_close(states[0, k], wanted)


def test_lightgcn_loses_the_edges_that_its_batch_predicts() -> None:
    """With all edges of an item dropped, it gets nothing of its users: only its own layer 0 is left."""
    model = build("lightgcn").eval()
    assert isinstance(model, HistoryMeanModel)
    train = histories()
    item = int(train[0][0])
    pairs = torch.tensor([[user, item] for user in range(len(train))])
    dropped = model.catalogue(pairs)
    torch.testing.assert_close(dropped[item], model.item_table[item] / 3)
    assert not torch.allclose(model.catalogue()[item], dropped[item])
    none = ITEMS - 1  # no history holds it
    torch.testing.assert_close(model.catalogue()[none], model.item_table[none] / 3)


def test_matrix_factorisation_without_user_vectors_says_so() -> None:
    model = build("bpr-mf")
    assert isinstance(model, HistoryMeanModel)
    with pytest.raises(ValueError, match="without user vectors"):
        model.user_vectors()


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="must be sasrec, hstu, gru4rec, lightgcn or bpr-mf"):
        build("gcn")
