"""What the finished trials make one believe of every other candidate: a Gaussian process, fitted by BoTorch."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from botorch.exceptions.errors import ModelFittingError
from botorch.exceptions.warnings import InputDataWarning, OptimizationWarning
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from gpytorch.constraints import GreaterThan
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import LogNormalPrior
from linear_operator.utils.errors import NanError, NotPSDError
from torch import Tensor

from engine.search.frozen import FrozenKernel
from engine.search.kernel import ArchitectureKernel
from engine.search.layout import Layout, Rows
from engine.search.observations import Observations, observe, points_of
from engine.search.trial import Trial

# A fit that needs more changes little; uncapped ones took up to 20 s where there are 32 layers. No cap in seconds: what is
# proposed must not hang on how busy the machine is.
_ITERATIONS = 60
LinAlgError: type[Exception] = torch.linalg.LinAlgError  # type: ignore[attr-defined]  # exported, but not declared so
CANNOT_FIT = (ModelFittingError, NanError, NotPSDError, LinAlgError, FloatingPointError)


@dataclass(frozen=True)
class Belief:
    """A fitted model; values that it takes and gives are standardised unless it says otherwise.

    Attributes:
        model: BoTorch's model, in evaluation mode.
        seen: what it was fitted to.
        kernel: covariances with the points that are known or believed.
        root: `n x n`, lower Cholesky factor of the covariance of the observations, noise included.
        weights: `n`, inverse covariance times (observations - mean).
    """

    layout: Layout
    model: SingleTaskGP
    seen: Observations
    kernel: FrozenKernel
    root: Tensor
    weights: Tensor

    def expect(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation of rows `n x columns` at full fidelity, each of shape `n`."""
        with torch.no_grad():
            cross, variance = self.kernel.covariances(rows)
            mean = self.model.mean_module.constant + cross @ self.weights
            solved = torch.linalg.solve_triangular(self.root, cross.T, upper=False)
            variance = variance - solved.square().sum(dim=0)
            return mean, variance.clamp_min(1e-10).sqrt()

    def expect_values(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """The same in units of the objective."""
        mean, sd = self.expect(rows)
        return self.seen.centre + self.seen.scale * mean, self.seen.scale * sd

    def believe(self, pending: Rows) -> "Belief":
        """This belief as if the pending rows had turned out as expected: their neighbourhood is no longer uncertain."""
        if not len(pending):
            return self
        mean, _ = self.expect(pending)
        with torch.no_grad():
            observed = _noise_of(self.model, self.seen)
        noise = torch.cat([observed, torch.full((len(pending),), 1e-4, dtype=torch.float64)])
        values = torch.cat([self.seen.values, mean])
        points = torch.cat([self.kernel.points, points_of(self.layout, pending)])
        return _condition(self.layout, self.model, self.seen, points, values, noise)


def fit_belief(layout: Layout, trials: Sequence[Trial]) -> Belief:
    """Fit the model to the finished trials; the same trials give the same model.

    Standard errors that trials state are the least noise of their values; more is learnt, as an error over users knows nothing
    of the chance of training.

    Raises:
        TooFewTrials: there is nothing to fit yet.
        ModelFittingError, NanError, NotPSDError, LinAlgError, FloatingPointError (``CANNOT_FIT``): it did not work.
    """
    seen = observe(layout, trials)
    model = fit(build(layout, seen))
    with torch.no_grad():
        belief = _condition(layout, model, seen, seen.points, seen.values, _noise_of(model, seen))
    if not bool(torch.isfinite(belief.weights).all()):
        raise FloatingPointError("the fitted model is not finite")
    return belief


def build(layout: Layout, seen: Observations) -> SingleTaskGP:
    """The model before it is fitted."""
    cheap = bool((seen.points[:, -1] < 1).any())
    prior = LogNormalPrior(-3.0, 1.0)
    if seen.variances is None:
        likelihood = GaussianLikelihood(noise_prior=prior, noise_constraint=GreaterThan(1e-5, initial_value=0.05))
    else:
        likelihood = FixedNoiseGaussianLikelihood(
            noise=seen.variances,
            learn_additional_noise=True,
            noise_prior=prior,
            noise_constraint=GreaterThan(1e-6, initial_value=0.02),
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputDataWarning)  # values are standardised here, with collapsed trainings lifted
        return SingleTaskGP(
            seen.points,
            seen.values[:, None],
            likelihood=likelihood.double(),
            covar_module=ArchitectureKernel(layout, cheap).double(),
            outcome_transform=None,
        )


def fit(model: SingleTaskGP) -> SingleTaskGP:
    """Find the hyperparameters of greatest posterior density, within a cap of iterations."""
    likelihood = ExactMarginalLogLikelihood(model.likelihood, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizationWarning)  # the cap ends many fits, which is what it is for
        fit_gpytorch_mll(
            likelihood,
            optimizer_kwargs={"options": {"maxiter": _ITERATIONS}},
            max_attempts=1,
        )
    return model


def _condition(layout: Layout, model: SingleTaskGP, seen: Observations, points: Tensor, values: Tensor, noise: Tensor) -> Belief:
    with torch.no_grad():
        covariance = model.covar_module.forward(points, points) + torch.diag(noise + 1e-8)
        root = torch.linalg.cholesky(covariance)
        weights = torch.cholesky_solve((values - model.mean_module(points))[:, None], root)[:, 0]
    return Belief(layout, model, seen, FrozenKernel(layout, model.covar_module, points), root, weights)


def _noise_of(model: SingleTaskGP, seen: Observations) -> Tensor:
    if seen.variances is None:
        learnt: Tensor = model.likelihood.noise.expand(len(seen.values))
        return learnt
    total: Tensor = seen.variances + model.likelihood.second_noise
    return total
