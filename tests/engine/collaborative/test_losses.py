import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.collaborative.losses import binary_loss, generalised_binary_loss, pairwise_loss

Problem = tuple[Tensor, Tensor, Tensor, Tensor]


def problem(items: int, negatives: int, seed: int = 0, targets: int = 6, width: int = 3) -> Problem:
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(targets, width, dtype=torch.float64, generator=generator)
    vectors = torch.randn(items, width, dtype=torch.float64, generator=generator)
    target = torch.randint(items, (targets,), generator=generator)
    drawn = (target[:, None] + torch.randint(1, items, (targets, negatives), generator=generator)) % items  # never the target
    return states, vectors, target, drawn


@given(st.integers(2, 40), st.integers(1, 6), st.floats(0, 1), st.integers(0, 50))
@settings(deadline=None)
def test_gbce_is_the_formula_of_the_paper(items: int, negatives: int, calibration: float, seed: int) -> None:
    states, vectors, targets, drawn = problem(items, negatives, seed)
    alpha = min(negatives / (items - 1), 1.0)
    beta = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    scores = states @ vectors.T
    wanted = torch.zeros(len(targets), dtype=torch.float64)
    for row in range(len(targets)):
        wanted[row] -= torch.log(torch.sigmoid(scores[row, targets[row]]) ** beta)
        for item in drawn[row]:
            wanted[row] -= torch.log(1 - torch.sigmoid(scores[row, item]))
    got = generalised_binary_loss(states, vectors, targets, drawn, calibration)
    torch.testing.assert_close(got, (wanted / (negatives + 1)).mean())


def test_gbce_without_calibration_is_binary_cross_entropy() -> None:
    inputs = problem(30, 4)
    torch.testing.assert_close(generalised_binary_loss(*inputs, 0.0) * 5, binary_loss(*inputs))


@pytest.mark.parametrize("scale", [1e3, 1e6])
def test_large_scores_overflow_nothing(scale: float) -> None:
    states, vectors, targets, drawn = problem(30, 4)
    states = (scale * states.float()).requires_grad_()
    loss = generalised_binary_loss(states, vectors.float(), targets, drawn, 0.75)
    loss.backward()
    assert torch.isfinite(loss)
    assert states.grad is not None
    assert torch.isfinite(states.grad).all()
    assert states.grad.abs().sum() > 0


@pytest.mark.parametrize("items", [4, 500])  # scores of all items, or of the drawn ones alone
def test_bpr_is_the_log_of_the_chance_that_the_target_wins(items: int) -> None:
    states, vectors, targets, drawn = problem(items, 3)
    scores = states @ vectors.T
    margins = scores.gather(1, targets[:, None]) - scores.gather(1, drawn)
    torch.testing.assert_close(pairwise_loss(states, vectors, targets, drawn), -torch.log(torch.sigmoid(margins)).mean())


def test_a_negative_that_is_the_target_pulls_at_nothing() -> None:
    states, vectors, targets, _ = problem(9, 1)
    states.requires_grad_()
    (gradient,) = torch.autograd.grad(pairwise_loss(states, vectors, targets, targets[:, None]), states)
    assert gradient.abs().max() < 1e-12
    alone = binary_loss(states, vectors, targets, targets[:, None])
    torch.testing.assert_close(alone, -torch.log(torch.sigmoid((states * vectors[targets]).sum(dim=1))).mean())
