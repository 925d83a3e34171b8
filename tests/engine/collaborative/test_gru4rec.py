import numpy as np
import torch

from engine.collaborative.batches import window_epoch
from engine.collaborative.gru4rec import Gru4recNetwork
from engine.collaborative.spec import Gru4recShape, SoftmaxSpec
from engine.data.sequences import Sequences
from tests.engine.methods.causal import ITEMS, assert_causal, assert_padding_counts_nothing, batch_of


def build(**settings: object) -> Gru4recNetwork:
    torch.manual_seed(0)
    return Gru4recNetwork(ITEMS, Gru4recShape(window=12, dimensions=8, hidden=16, **settings))  # type: ignore[arg-type]


def test_later_items_move_no_earlier_state() -> None:
    assert_causal(build())
    assert_causal(build(layers=3))


def test_padding_counts_nothing() -> None:
    assert_padding_counts_nothing(build(layers=2))


@torch.no_grad()
def test_the_recurrence_is_that_of_the_paper() -> None:
    """Update gate, reset gate and candidate (equations 1 to 4; torch applies the reset behind the product), step by step."""
    network = build().eval()
    items, lengths = batch_of(network, (5,))
    found = network.states(items, lengths, network.catalogue())[0]
    unit = network.recurrent
    state = torch.zeros(16)
    for place, item in enumerate(items[0]):
        entering = unit.weight_ih_l0 @ (network.embedding.weight[item] * 8**0.5) + unit.bias_ih_l0
        kept = unit.weight_hh_l0 @ state + unit.bias_hh_l0
        reset = torch.sigmoid(entering[:16] + kept[:16])
        update = torch.sigmoid(entering[16:32] + kept[16:32])
        candidate = torch.tanh(entering[32:] + reset * kept[32:])
        state = (1 - update) * candidate + update * state
        torch.testing.assert_close(found[place], network.output(state), atol=1e-6, rtol=1e-5)


def test_the_loss_is_the_cross_entropy_of_every_position() -> None:
    network = build().eval()
    train = Sequences(np.array([0, 4, 9]), np.arange(9, dtype=np.int32))
    batch = window_epoch(train, 12, 2, ITEMS, torch.device("cpu"), (0, 0, 0)).make(0)
    loss = network.loss(batch, 0)  # type: ignore[arg-type]
    assert loss.targets == 7
    parts = []
    for user in range(2):
        sequence = torch.from_numpy(train[user].astype(np.int64))
        states = network.states(sequence[None, :-1], torch.tensor([len(sequence) - 1]), network.catalogue())[0]
        scores = network.norm(states) @ network.catalogue().T
        parts.append(-scores.log_softmax(dim=1)[torch.arange(len(sequence) - 1), sequence[1:]])
    torch.testing.assert_close(loss.value, torch.cat(parts).mean(), atol=1e-5, rtol=1e-5)


def test_a_sampled_softmax_draws_by_seed_and_batch() -> None:
    softmax = SoftmaxSpec(softmax="sampled", samples=5)
    network = Gru4recNetwork(ITEMS, Gru4recShape(window=12, dimensions=8, hidden=16), softmax).eval()
    train = Sequences(np.array([0, 4, 9]), np.arange(9, dtype=np.int32))
    batches = window_epoch(train, 12, 2, ITEMS, torch.device("cpu"), (0, 0, 0))
    one, again = (network.loss(batches.make(0), 0).value for _ in range(2))  # type: ignore[arg-type]
    assert torch.equal(one, again)
    assert not torch.equal(one, network.loss(batches.make(0), 1).value)  # type: ignore[arg-type]
