import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize  # type: ignore[import-untyped]
from torch import Tensor
from torch.nn import functional

from engine.blend.fit import AT_ONCE, RIDGE, Examples, fit_weights
from engine.errors import RunCancelled

WANTED = [1.5, -0.7, 0.4]
SIZES = [1.0, 20.0, 0.05]
"""Parts come in units of their own."""


def examples(seed: int = 0, users: int = 3000, items: int = 15) -> Examples:
    """Targets drawn from the softmax over the candidates of ``WANTED``, in units of each part's size."""
    generator = torch.Generator().manual_seed(seed)
    parts = torch.randn(len(WANTED), users, items, generator=generator)
    removed = torch.rand(users, items, generator=generator) < 0.2
    removed[:, 0] = False
    scores = torch.einsum("p,pui->ui", torch.tensor(WANTED), parts).masked_fill(removed, -torch.inf)
    targets = torch.multinomial(torch.softmax(scores, dim=1), 1, generator=generator)[:, 0]
    return Examples(parts * torch.tensor(SIZES)[:, None, None], removed, targets)


def never() -> None:
    return


def objective(found: Examples, weights: Tensor) -> float:
    """Mean cross-entropy plus the ridge, all users at once, in double precision."""
    parts, weights = found.parts.double(), weights.double()
    scores = torch.einsum("p,pui->ui", weights, parts).masked_fill(found.removed, -torch.inf)
    spread = parts.std(dim=2).mean(dim=1)
    return float(functional.cross_entropy(scores, found.targets) + RIDGE * (weights * spread).square().sum())


def test_planted_weights_are_found() -> None:
    weights = fit_weights(examples(), [1.0, 0.0, 0.0], never)
    np.testing.assert_allclose(weights.numpy() * SIZES, WANTED, atol=0.1)


@pytest.mark.parametrize("users", [40, AT_ONCE, 2 * AT_ONCE + 3])
def test_the_same_as_another_optimiser_finds(users: int) -> None:
    """Of the formula written out with NumPy, derivatives by differences."""
    found = examples(users=users)
    parts, removed, targets = found.parts.numpy().astype(np.float64), found.removed.numpy(), found.targets.numpy()
    spread = parts.std(axis=2, ddof=1).mean(axis=1)

    def loss(strengths: np.ndarray) -> float:  # type: ignore[type-arg]
        scores = np.einsum("p,pui->ui", strengths / spread, parts)
        scores[removed] = -np.inf
        best = scores.max(axis=1)
        likely = scores[np.arange(users), targets] - best - np.log(np.exp(scores - best[:, None]).sum(axis=1))
        return float(-likely.mean() + RIDGE * (strengths**2).sum())

    wanted = optimize.minimize(loss, np.zeros(3), method="BFGS").x
    np.testing.assert_allclose(fit_weights(found, [1.0, 0.0, 0.0], never).numpy() * spread, wanted, atol=2e-3)


def test_where_it_starts_decides_nothing() -> None:
    found = examples(users=300)
    one = fit_weights(found, [1.0, 0.0, 0.0], never)
    other = fit_weights(found, [-50.0, 3.0, 1000.0], never)
    torch.testing.assert_close(one, other, atol=1e-3, rtol=5e-3)


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_a_part_that_tells_no_items_apart_keeps_weight_0(start: float) -> None:
    """Whatever it says of each user, and however strong it was in training; the others are weighed as without it."""
    found = examples(users=300)
    flat = torch.linspace(-5, 5, 300)[:, None].expand(300, 15)
    more = Examples(torch.cat([found.parts, flat[None]]), found.removed, found.targets)
    weights = fit_weights(more, [1.0, 0.0, 0.0, start], never)
    assert float(weights[3]) == 0
    torch.testing.assert_close(weights[:3], fit_weights(found, [1.0, 0.0, 0.0], never), atol=1e-3, rtol=5e-3)


def test_parts_that_say_nothing_at_all_get_no_weights() -> None:
    nothing = Examples(torch.zeros(2, 5, 4), torch.zeros(5, 4, dtype=torch.bool), torch.zeros(5, dtype=torch.int64))
    assert fit_weights(nothing, [1.0, 1.0], never).tolist() == [0, 0]


def test_removed_items_do_not_matter() -> None:
    """But for what they do to a part's spread, which only the small ridge looks at."""
    found = examples()
    generator = torch.Generator().manual_seed(7)
    noise = 3 * torch.randn(found.parts.shape, generator=generator) * torch.tensor(SIZES)[:, None, None]
    changed = Examples(torch.where(found.removed, noise, found.parts), found.removed, found.targets)
    one, other = (fit_weights(which, [1.0, 0.0, 0.0], never) for which in (found, changed))
    torch.testing.assert_close(one, other, atol=0, rtol=5e-3)
    kept = Examples(changed.parts, torch.zeros_like(found.removed), found.targets)
    assert not torch.allclose(one, fit_weights(kept, [1.0, 0.0, 0.0], never), rtol=0.1)


def test_a_part_that_knows_all_targets_gets_a_finite_weight() -> None:
    found = examples(users=50)
    knows = functional.one_hot(found.targets, 15).float()
    weights = fit_weights(Examples(knows[None], found.removed, found.targets), [1.0], never)
    assert 5 < float(weights[0]) < 100


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 40), st.integers(2, 6), st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_never_worse_than_any_weights(seed: int, users: int, items: int, others: list[float]) -> None:
    found = examples(seed, users, items)
    fitted = fit_weights(found, [1.0, 0.0, 0.0], never)
    assert torch.isfinite(fitted).all()
    assert objective(found, fitted) <= objective(found, torch.tensor(others) / torch.tensor(SIZES)) + 1e-4


def test_it_stops_when_asked() -> None:
    asked = 0

    def stop_later() -> None:
        nonlocal asked
        asked += 1
        if asked > 3:
            raise RunCancelled

    with pytest.raises(RunCancelled):
        fit_weights(examples(users=100), [1.0, 0.0, 0.0], stop_later)
    assert asked == 4
