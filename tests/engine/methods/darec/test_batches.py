"""The joint batch: short and long windows that end together, and what each loss may change."""

from pathlib import Path

import pytest
import torch

from engine.data.version import Version
from engine.methods.darec.batches import JointBatch, take_window
from engine.methods.darec.method import Implementation
from tests.engine.methods.darec.build import build


@pytest.fixture
def joint(planted: Version, tmp_path: Path) -> Implementation:
    return build(planted, tmp_path, {"method.injection.alpha": 0.0, "method.injection.stop_gradient": True})


def test_stop_gradient_keeps_the_cf_model_out(joint: Implementation) -> None:
    joint._joint_loss(joint._joint_epoch(0).make(0)).value.backward()
    assert joint.network is not None
    assert joint.model.injection is not None
    assert all(p.grad is None or not p.grad.any() for p in joint.network.parameters())
    gates = [part.gate for part in joint.model.injection.children() if hasattr(part, "gate")]
    assert len(gates) == 3
    for parameter in [*gates, joint.model.reader.marker, joint.model.from_text.weight]:
        assert isinstance(parameter, torch.nn.Parameter)
        assert parameter.grad is not None
        assert parameter.grad.any()


def test_a_frozen_cf_model_is_not_trained_and_has_no_dropout(planted: Version, tmp_path: Path) -> None:
    method = build(planted, tmp_path, {"method.injection.joint": False})
    known = {id(parameter) for parameter in method.network.parameters()} if method.network is not None else set()
    trained = {id(parameter) for group in method.stages()[1].groups for parameter in group.parameters}
    assert known
    assert not known & trained
    method.model.train()
    assert method.network is not None
    assert not method.network.training
    method._joint_loss(method._joint_epoch(0).make(0)).value.backward()
    embedding = next(iter(method.network.parameters()))
    assert embedding.grad is None


def test_the_long_history_ends_where_the_short_window_ends(joint: Implementation) -> None:
    batch = joint._joint_epoch(0).make(0)
    assert isinstance(batch, JointBatch)
    aligned = take_window(batch.long.inputs[:, :, None].float(), batch.offsets, batch.short.inputs.shape[1])[:, :, 0].long()
    real = batch.short.inputs != joint.items
    assert torch.equal(aligned[real], batch.short.inputs[real])


def test_the_edges_of_a_batch_are_what_it_predicts(joint: Implementation) -> None:
    batch = joint._joint_epoch(0).make(0)
    assert isinstance(batch, JointBatch)
    edges = {tuple(edge) for edge in batch.edges(joint.items).tolist()}
    train = joint.context.split.train
    wanted = {
        (int(user), int(item))
        for user, start, stop in zip(
            batch.short.windows.users, batch.short.windows.starts, batch.short.windows.stops, strict=True
        )
        for item in train[int(user)][start + 1 : stop + 1]
    }
    assert edges == wanted
