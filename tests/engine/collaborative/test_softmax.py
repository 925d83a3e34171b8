from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from engine.collaborative.losses import softmax_loss
from engine.collaborative.softmax import catalogue_loss, draw_items, sampled_softmax_loss, training_proposal
from engine.collaborative.spec import SoftmaxSpec
from engine.data.sequences import Sequences

FULL = SoftmaxSpec()


def problem(targets: int, items: int, width: int = 5, scale: float = 1.0, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    states = scale * torch.randn(targets, width, dtype=torch.float64, generator=generator)
    vectors = torch.randn(items, width, dtype=torch.float64, generator=generator)
    return states.requires_grad_(), vectors.requires_grad_(), torch.randint(items, (targets,), generator=generator)


def value_and_gradients(
    inputs: tuple[Tensor, Tensor, Tensor], spec: SoftmaxSpec, seed: int = 0, proposal: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    states, vectors, targets = inputs
    loss = catalogue_loss(states, vectors, targets, spec, np.random.default_rng(seed), proposal)
    return (loss.detach(), *torch.autograd.grad(loss, (states, vectors)))


@given(st.integers(1, 7), st.integers(1, 20), st.integers(1, 25), st.floats(0, 300), st.integers(0, 100))
@settings(deadline=None)
def test_chunks_give_the_numbers_of_the_full_softmax(targets: int, items: int, chunk: int, scale: float, seed: int) -> None:
    inputs = problem(targets, items, scale=scale, seed=seed)
    chunked = value_and_gradients(inputs, SoftmaxSpec(softmax="chunked", chunk=chunk))
    for got, wanted in zip(chunked, value_and_gradients(inputs, FULL), strict=True):
        torch.testing.assert_close(got, wanted)


class _Largest(TorchDispatchMode):
    """Remembers the size of the largest tensor that any operation gave."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        self.elements = max(self.elements, *sizes) if sizes else self.elements
        return result


def largest(items: int, spec: SoftmaxSpec) -> int:
    """Elements of the largest tensor made on the way to the loss and back: 400 targets, vectors of 2."""
    states, vectors, targets = problem(400, items, width=2)
    with _Largest() as seen:
        catalogue_loss(states, vectors, targets, spec, np.random.default_rng(0)).backward()
    return seen.elements


def test_memory_of_chunks_does_not_grow_with_the_catalogue() -> None:
    """No tensor is larger than the scores of a chunk (the item vectors and their gradient, `items x 2`, are smaller here)."""
    chunked = SoftmaxSpec(softmax="chunked", chunk=100)
    assert largest(1000, chunked) == largest(20_000, chunked) == 400 * 100
    assert largest(20_000, SoftmaxSpec(softmax="chunked", chunk=200)) == 400 * 200
    assert largest(20_000, FULL) == 400 * 20_000
    assert largest(20_000, SoftmaxSpec(softmax="sampled", samples=100)) <= 400 * 101


@pytest.mark.parametrize("samples", [12, 13])
def test_as_many_samples_as_items_are_the_full_softmax(samples: int) -> None:
    inputs = problem(4, 12)
    sampled = value_and_gradients(inputs, SoftmaxSpec(softmax="sampled", samples=samples))
    for got, wanted in zip(sampled, value_and_gradients(inputs, FULL), strict=True):
        torch.testing.assert_close(got, wanted)


def test_every_item_drawn_once_is_the_full_softmax() -> None:
    """Then 1 / (n q) is 1, the target's draw counts nothing, and the target itself stands in for it."""
    states, vectors, targets = problem(6, 9)
    drawn = torch.randperm(9)
    loss = sampled_softmax_loss(states, vectors, targets, drawn, torch.full((9,), 1 / 9, dtype=torch.float64))
    torch.testing.assert_close(loss, softmax_loss(states, vectors, targets))


def skewed(items: int) -> Tensor:
    weights = 1.0 / torch.arange(1, items + 1, dtype=torch.float64)
    return weights / weights.sum()


def test_what_normalises_is_right_on_average() -> None:
    """The mean over all possible draws, each by its probability, is the full sum, exactly (n = 1, two targets of five items)."""
    states, vectors, targets = problem(2, 5)
    proposal = skewed(5)
    scores = (states @ vectors.T).detach()
    positive = scores.gather(1, targets[:, None])[:, 0]
    for row in range(2):
        mean = torch.zeros((), dtype=torch.float64)
        for item in range(5):
            loss = sampled_softmax_loss(
                states[row : row + 1], vectors, targets[row : row + 1], torch.tensor([item]), proposal
            ).detach()
            mean += proposal[item] * torch.exp(loss + positive[row])
        torch.testing.assert_close(mean, scores[row].exp().sum())


def distance_to_full(samples: int, proposal: Tensor, *, corrected: bool) -> float:
    """Relative distance of the mean gradient over many draws to that of the full softmax."""
    inputs = problem(20, 300, width=8, scale=0.5)
    states, vectors, targets = inputs
    _, wanted, _ = value_and_gradients(inputs, FULL)
    total = torch.zeros_like(wanted)
    draws = 40
    for draw in range(draws):
        drawn = draw_items(proposal, samples, np.random.default_rng([samples, draw]))
        believed = proposal if corrected else torch.full_like(proposal, 1 / len(proposal))
        loss = sampled_softmax_loss(states, vectors, targets, drawn, believed)
        total += torch.autograd.grad(loss, states)[0] / draws
    return float((total - wanted).norm() / wanted.norm())


def test_the_correction_leads_to_the_full_gradient() -> None:
    proposal = skewed(300)
    few, many = (distance_to_full(samples, proposal, corrected=True) for samples in (20, 2000))
    wrong = distance_to_full(2000, proposal, corrected=False)
    assert many < 0.3 * few
    assert many < 0.05
    assert wrong > 4 * many


def test_samples_follow_the_proposal_and_the_generator() -> None:
    proposal = torch.tensor([0.1, 0.0, 0.6, 0.3])
    drawn = draw_items(proposal, 20_000, np.random.default_rng(0))
    shares = torch.bincount(drawn, minlength=4) / len(drawn)
    torch.testing.assert_close(shares, proposal, atol=0.02, rtol=0)
    assert shares[1] == 0
    assert torch.equal(drawn, draw_items(proposal, 20_000, np.random.default_rng(0)))


def test_the_training_proposal_mixes_popularity_with_uniform() -> None:
    train = Sequences(np.array([0, 3, 4], dtype=np.int64), np.array([0, 0, 2, 0], dtype=np.int32))
    torch.testing.assert_close(training_proposal(train, 4), torch.tensor([0.125 + 0.375, 0.125, 0.25, 0.125]))
