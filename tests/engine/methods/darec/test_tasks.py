"""The further tasks: titles that cannot leak, grounding without false negatives."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.data.version import Version
from engine.methods.darec.method import Implementation
from engine.methods.darec.tasks import item_grounding_loss, next_title_loss, title_table
from tests.engine.methods.darec.build import MASKS, build

BOTH = {"method.tasks.next_title": 0.3, "method.tasks.item_grounding": 0.2}


@pytest.mark.parametrize("mask", MASKS)
def test_a_title_is_read_causally_and_after_its_history(mask: str, planted: Version, tmp_path: Path) -> None:
    """Token j of the segment moves only the states that predict tokens behind it; the history moves all of them."""
    method = build(planted, tmp_path, {**BOTH, "method.mask": mask})
    history, segment = torch.tensor([[3, 14, 15]]), torch.tensor([[11, 12, 13, 14]])

    def written(histories: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return method.model.written(histories, None, tokens)[0]

    before = written(history, segment)
    for place in range(4):
        other = segment.clone()
        other[0, place] = 40
        after = written(history, other)
        torch.testing.assert_close(after[: place + 1], before[: place + 1], atol=1e-5, rtol=1e-4)
        if place < 3:
            assert ((after - before)[place + 1 :].abs().amax(dim=1) > 1e-4).all()
    assert ((written(torch.tensor([[4, 14, 15]]), segment) - before).abs().amax(dim=1) > 1e-4).all()


@pytest.mark.parametrize("mask", MASKS)
def test_a_title_behind_a_padded_history_is_the_same(mask: str, planted: Version, tmp_path: Path) -> None:
    method = build(planted, tmp_path, {**BOTH, "method.mask": mask})
    padding, segment = planted.counts.items, torch.tensor([[11, 12], [11, 12]])
    with torch.no_grad():
        alone = method.model.written(torch.tensor([[3, 14]]), None, segment[:1])[0]
        beside = method.model.written(torch.tensor([[3, 14, padding], [5, 6, 7]]), None, segment)[0]
    torch.testing.assert_close(alone, beside, atol=1e-4, rtol=1e-4)


@pytest.fixture
def method(planted: Version, tmp_path: Path) -> Implementation:
    return build(planted, tmp_path, dict(BOTH))


def test_the_first_title_token_is_predicted_by_the_state_after_the_history(method: Implementation) -> None:
    histories = torch.tensor([[3, 14, 15]])
    with torch.no_grad():
        logits = method.model.written(histories, None, torch.tensor([[11]]))
        hidden = method.model.hidden(histories, None)[:, -1]
    torch.testing.assert_close(logits[0], hidden @ method.model.backbone.get_input_embeddings().weight.T, atol=1e-4, rtol=1e-4)


def test_titles_can_be_learned(planted: Version, tmp_path: Path) -> None:
    method = build(planted, tmp_path, {**BOTH, "method.nano.warmup_steps": 80})
    histories, targets = torch.tensor([[3, 14, 15]] * 4), torch.tensor([[14, 15, 9]] * 4)
    titles = method.material.titles
    assert titles is not None
    parameters = [parameter for parameter in method.model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=0.01)

    def loss(step: int) -> torch.Tensor:
        return next_title_loss(method.model, histories, targets, None, titles, np.random.default_rng(step))

    def mean_loss() -> float:
        """Over the positions that ten steps draw; the first step alone learns so much that losses on the way are no start."""
        with torch.no_grad():
            return float(np.mean([float(loss(step)) for step in range(10)]))

    before = mean_loss()
    for step in range(40):
        value = loss(step)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    assert mean_loss() < 0.6 * before


def test_a_title_without_tokens_costs_nothing(method: Implementation) -> None:
    titles = title_table([[] for _ in range(method.items)], torch.device("cpu"))
    loss = next_title_loss(method.model, torch.tensor([[3]]), torch.tensor([[14]]), None, titles, np.random.default_rng(0))
    assert float(loss) == 0.0


def test_grounding_is_a_contrast_without_twins(method: Implementation) -> None:
    vectors = torch.randn(method.items, method.model.from_hidden.out_features, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[3, 14], [15, method.items]])
    apart = torch.arange(method.items)
    generator = np.random.default_rng(0)
    with torch.no_grad():
        loss = item_grounding_loss(method.model, targets, vectors, apart, generator)
        assert method.model.to_vectors is not None
        items = torch.tensor([3, 14, 15])
        found = method.model.to_vectors(method.model.from_text_alone(items))
        logits = torch.nn.functional.cosine_similarity(found[:, None], vectors[items][None], dim=2) / 0.1
        torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits, torch.arange(3)))
        twins = apart.clone()
        twins[14] = 3
        logits[0, 1] = logits[1, 0] = -torch.inf
        loss = item_grounding_loss(method.model, targets, vectors, twins, generator)
        torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits, torch.arange(3)))


def test_the_weights_of_tasks_mix_the_loss(planted: Version, tmp_path: Path) -> None:
    def loss(name: str, settings: dict[str, object]) -> float:
        chosen: dict[str, object] = {"method.injection.kind": "none", **settings}
        built = build(planted, tmp_path / name, chosen)
        torch.manual_seed(3)
        return float(built._joint_loss(built._joint_epoch(0).make(0)).value.detach())

    plain = loss("plain", {})
    assert loss("double", {"method.tasks.next_item": 2.0}) == pytest.approx(2 * plain, rel=1e-5)
    one, two = (loss(f"title{weight}", {"method.tasks.next_title": weight}) for weight in (0.5, 1.0))
    assert one - plain == pytest.approx((two - plain) / 2, rel=1e-3)
    assert one > plain
