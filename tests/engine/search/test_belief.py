import numpy as np
import pytest
import torch

from engine.search.belief import fit_belief
from engine.search.importance import importance
from engine.search.improvement import _log_unit_improvement
from engine.search.observations import TooFewTrials, observe, points_of
from engine.search.sampling import sample_rows
from engine.search.trial import Trial
from engine.search.winner import best, expectation
from tests.engine.search.spaces import done, space, upper_layers


def test_table_look_up_equals_the_kernel_and_the_model_of_botorch() -> None:
    whole = space(6, kinds=("none", "lora", "dora"), further=[{"path": "a.rate", "low": 0.1, "high": 1.0}])
    generator = np.random.default_rng(0)
    trials = done(whole, sample_rows(whole, generator, 20), upper_layers, error=0.002)
    belief = fit_belief(whole, trials)
    rows = sample_rows(whole, generator, 15)
    points = points_of(whole, rows)
    with torch.no_grad():
        covariances, variances = belief.kernel.covariances(rows)
        slow = belief.model.covar_module.forward(points, belief.seen.points)
        assert torch.allclose(covariances, slow)
        assert torch.allclose(variances, belief.model.covar_module.forward(points, points, diag=True))
        mean, sd = belief.expect(rows)
        posterior = belief.model.posterior(points)
        assert torch.allclose(mean, posterior.mean[:, 0], atol=1e-5)
        assert torch.allclose(sd.square(), posterior.variance[:, 0], atol=1e-5)


def test_the_model_predicts_what_it_has_not_seen() -> None:
    whole = space(8, kinds=("none", "lora", "dora"))
    generator = np.random.default_rng(1)
    trials = done(whole, sample_rows(whole, generator, 40), upper_layers, error=0.001)
    others = [whole.decode(row) for row in sample_rows(whole, generator, 60)]
    expected = np.array([mean for mean, _ in expectation(whole, trials, others)])
    assert np.corrcoef(expected, [upper_layers(other) for other in others])[0, 1] > 0.9


def test_layers_that_matter_are_important_and_pending_points_lose_their_uncertainty() -> None:
    whole = space(8)
    generator = np.random.default_rng(2)
    trials = done(whole, sample_rows(whole, generator, 40), upper_layers, error=0.001)
    figures = importance(whole, trials)
    assert [figure.layer for figure in figures] == list(range(8))
    lower, upper = [figure.importance for figure in figures[:4]], [figure.importance for figure in figures[4:]]
    assert max(lower) < min(upper)
    assert all(figure.sd > 0 for figure in figures)
    belief = fit_belief(whole, trials)
    pending = sample_rows(whole, generator, 1)
    assert belief.believe(pending).expect(pending)[1] < 0.5 * belief.expect(pending)[1]


def test_the_winner_is_not_the_luckiest_trial() -> None:
    whole = space(6)
    rows = sample_rows(whole, np.random.default_rng(3), 30)
    trials = done(whole, rows, upper_layers, error=0.01)
    worst = min(trials, key=lambda trial: trial.value or 0)
    top = max(trials, key=lambda trial: trial.value or 0)
    lucky = Trial(worst.number, worst.candidate, "done", (top.value or 0) + 0.002, 0.05, worst.parameters)
    chosen = best(whole, [lucky if trial is worst else trial for trial in trials])
    assert chosen.trial.number != lucky.number
    assert chosen.reason == "highest posterior mean"
    assert upper_layers(chosen.trial.candidate) >= upper_layers(top.candidate) - 0.01


def test_without_a_model_the_winner_is_the_highest_value_and_says_so() -> None:
    whole = space(4)
    trials = done(whole, sample_rows(whole, np.random.default_rng(0), 2), upper_layers)
    chosen = best(whole, trials)
    assert chosen.trial.value == max(trial.value or 0 for trial in trials)
    assert chosen.mean is None
    assert "no model" in chosen.reason
    with pytest.raises(ValueError, match="no trial has finished"):
        best(whole, [Trial(0, trials[0].candidate, "running")])


def test_cheap_observations_do_not_spoil_the_model() -> None:
    whole = space(6)
    generator = np.random.default_rng(4)
    full = done(whole, sample_rows(whole, generator, 24), upper_layers, error=0.001)
    # Trials stopped at a third see only half of the gain, on a lower level.
    cheap = [
        Trial(100 + number, whole.decode(row), "done", 0.03 + 0.5 * upper_layers(whole.decode(row)), 0.001, 0, fidelity=0.3)
        for number, row in enumerate(sample_rows(whole, generator, 24))
    ]
    others = [whole.decode(row) for row in sample_rows(whole, generator, 60)]
    truth = np.array([upper_layers(other) for other in others])
    means = np.array([mean for mean, _ in expectation(whole, full + cheap, others)])
    assert np.abs(means - truth).mean() < 0.15 * truth.std() + 0.002
    assert best(whole, full + cheap).trial.fidelity == 1


def test_collapsed_trainings_are_lifted_and_too_few_trials_are_refused() -> None:
    whole = space(6)
    trials = done(whole, sample_rows(whole, np.random.default_rng(5), 20), upper_layers)
    collapsed = Trial(50, whole.decode(sample_rows(whole, np.random.default_rng(9), 1)[0]), "done", -1000.0)
    assert observe(whole, [*trials, collapsed]).values.abs().max() < 5
    for few in (trials[:2], [Trial(n, trial.candidate, "done", 0.1) for n, trial in enumerate(trials)]):
        with pytest.raises(TooFewTrials):
            fit_belief(whole, few)


def test_log_improvement_keeps_its_digits() -> None:
    z = torch.tensor([3.0, 0.0, -0.999, -1.001, -5.0, -30.0, -1e5], dtype=torch.float64)
    normal = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1)
    plain = torch.log(normal.log_prob(z).exp() + z * normal.cdf(z))
    value = _log_unit_improvement(z)
    assert torch.allclose(value[:5], plain[:5], atol=1e-6)
    assert bool(torch.isfinite(value).all())
    assert bool((value.diff() < 0).all())
    assert value[5] == pytest.approx(-450 - 0.9189385 - 2 * np.log(30), abs=0.01)
