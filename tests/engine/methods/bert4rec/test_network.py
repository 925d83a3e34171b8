import numpy as np
import pytest
import torch

from engine.collaborative.batches import SequenceBatch, window_epoch
from engine.data.sequences import Sequences
from engine.methods.bert4rec.masks import draw_masks
from engine.methods.bert4rec.network import Bert4recNetwork, whole_windows
from engine.methods.bert4rec.spec import Bert4recSpec

ITEMS = 30
TRAIN = Sequences(np.array([0, 4, 9, 20]), np.arange(20, dtype=np.int32))


def build(**changes: object) -> Bert4recNetwork:
    """Weights far larger than at the start, so that attention matters."""
    torch.manual_seed(0)
    network = Bert4recNetwork(ITEMS, Bert4recSpec(**{"window": 8, "dimensions": 8, **changes}))  # type: ignore[arg-type]
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "norm" not in name and parameter.dim() > 1:
                parameter.mul_(20)
        torch.nn.init.normal_(network.bias)
    return network.eval()


def batch_of(seed: int = 0) -> SequenceBatch:
    batch = window_epoch(TRAIN, 7, 8, ITEMS, torch.device("cpu"), (seed, 0, 0)).make(0)
    assert isinstance(batch, SequenceBatch)
    return batch


def test_whole_windows_hold_inputs_and_the_last_target() -> None:
    batch = batch_of()
    items, lengths = whole_windows(batch, ITEMS)
    windows = batch.windows
    for row, length, user, start, stop in zip(items, lengths, windows.users, windows.starts, windows.stops, strict=True):
        assert row[:length].tolist() == TRAIN[int(user)][start : stop + 1].tolist()
        assert (row[length:] == ITEMS).all()


@pytest.mark.parametrize("norm", ["first", "last"])
@torch.no_grad()
def test_a_state_depends_on_both_sides_and_on_no_padding(norm: str) -> None:
    network = build(norm=norm)
    items = torch.tensor([[1, 2, 31, 4, 5]])
    lengths = torch.tensor([5])
    middle = network(items, lengths)[0, 2]
    for place in (0, 4):
        changed = items.clone()
        changed[0, place] = 9
        assert (network(changed, lengths)[0, 2] - middle).abs().max() > 1e-3
    padded = torch.cat([items, torch.full((1, 3), ITEMS)], dim=1)
    torch.testing.assert_close(network(padded, lengths)[0, 2], middle, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_loss_is_the_cross_entropy_of_the_masked_items() -> None:
    network = build(mask_probability=0.5)
    batch = batch_of()
    loss = network.loss(batch, 3)
    items, lengths = whole_windows(batch, ITEMS)
    drawn = draw_masks(lengths.numpy(), items.shape[1], 0.5, 0.1, np.random.default_rng([3, *batch.key]))
    parts = []
    for row, length, masked in zip(items, lengths, torch.from_numpy(drawn), strict=True):
        hidden = torch.where(masked, ITEMS + 1, row)[:length]
        scores = network.head(network(hidden[None], length[None])[0]) @ network.embedding.weight[:ITEMS].T + network.bias
        parts.append(-scores.log_softmax(dim=1)[torch.arange(int(length)), row[:length]][masked[:length]])
    assert loss.targets == drawn.sum()
    torch.testing.assert_close(loss.value, torch.cat(parts).mean(), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_masks_come_from_seed_and_batch_alone() -> None:
    network = build()
    batch = batch_of()
    torch.manual_seed(1)
    one = network.loss(batch, 0).value
    torch.manual_seed(2)
    assert torch.equal(network.loss(batch, 0).value, one)
    assert not torch.equal(network.loss(batch, 1).value, one)


@torch.no_grad()
def test_scores_are_what_a_mask_behind_the_history_is_filled_with() -> None:
    network = build()
    histories = [np.arange(3, 15, dtype=np.int32), np.array([7], dtype=np.int32)]
    scores = network.scorer()(histories, None)
    for row, history in zip(scores, histories, strict=True):
        items = torch.tensor([*history[-7:].tolist(), ITEMS + 1])  # window 8: seven items and the mask
        state = network(items[None], torch.tensor([len(items)]))[0, -1]
        wanted = network.head(state) @ network.embedding.weight[:ITEMS].T + network.bias
        torch.testing.assert_close(row, wanted, atol=1e-5, rtol=1e-4)


def test_heads_must_divide_the_dimensions() -> None:
    with pytest.raises(ValueError, match="got 9 dimensions for 2 heads"):
        Bert4recSpec(dimensions=9)
