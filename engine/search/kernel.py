"""How alike two candidates are: a covariance over architectures that knows depth, kind, target and rank.

The objective is taken for a sum of three parts, each a Gaussian process (sums of kernels, Duvenaud et al., arXiv 1112.4394):

* **each layer's gain**, `sum over layers l of g(l, choice of l)`. `g` has the covariance `D x C`: `D` over depth (a part that all
  layers share, a smooth part, and a part of each layer's own), `C` over choices (a part that all adapters share, and a product
  over kind, target and rank). A bare layer gains nothing. It is what makes 32 layers learnable from a few dozen trials.
* **what the layers do together**: a squared exponential kernel of the distance that the first part induces, so that
  saturation and interactions of any form can be learnt near points that were tried;
* **further fields**: one kernel a field, alone and within the second part.

Where trials of lower fidelity exist, `(1 - fidelity)` times one more process is added: it vanishes at full fidelity, so that a
cheap observation speaks of the full one as far as the two agree, and its bias is learnt instead of believed (the linear
truncation of Poloczek et al., arXiv 1603.00389).
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from gpytorch.kernels import Kernel
from gpytorch.priors import NormalPrior
from torch import Tensor

from engine.search.layout import Layout
from engine.search.sampling import sobol_rows

_REFERENCES = 64
_TARGET_BITS = {"attention": (1.0, 0.0), "mlp": (0.0, 1.0), "both": (1.0, 1.0)}

# Each hyperparameter is kept as its logarithm under a normal prior: (median, sd of the logarithm). Variances are in units of the
# standardised objective's variance over random candidates, lengths of depth in units of the whole depth, of rank in octaves.
_PRIORS: dict[str, tuple[float, float]] = {
    "layers": (0.6, 0.7),
    "together": (0.3, 0.7),
    "fields": (0.3, 0.7),
    "fidelity": (0.3, 0.7),
    "shared_depth": (0.3, 1.0),
    "own_depth": (0.1, 1.0),
    "depth_length": (0.25, 0.5),
    "any_adapter": (0.7, 0.7),
    "kind_likeness": (1.0, 1.0),
    "attention_length": (1.2, 0.5),
    "mlp_length": (1.2, 0.5),
    "rank_length": (3.0, 0.5),
    "together_length": (1.0, 0.5),
    "field_length": (0.4, 0.5),
}


@dataclass(frozen=True)
class Parts:
    """Factors of the gains' covariance: that of `g(l, o)` and `g(m, p)` is `(mix mix^T)[l, m] (factor factor^T)[o, p]`.

    Attributes:
        mix: `groups x groups`, factor of the covariance over depth.
        factor: `options x adapted options`, factor of the covariance over options.
        centre: `features`, mean of the embedded reference sample.
        scale: variance of the summed gains over that sample.
    """

    mix: Tensor
    factor: Tensor
    centre: Tensor
    scale: Tensor

    def embed(self, numbers: Tensor) -> Tensor:
        """Vectors whose inner products are the covariances of the summed gains, `batch x n x features`."""
        return (_embed(numbers, self.mix, self.factor) - self.centre) / self.scale.sqrt()


class ArchitectureKernel(Kernel):  # type: ignore[misc]  # gpytorch comes without types
    """Covariance of points: rows of ``layout`` with the fidelity in a last column, `n x (columns + 1)`.

    Args:
        layout: what the numbers in a row stand for.
        cheap: whether observations of lower fidelity exist; without them their process is left out.
    """

    has_lengthscale = False

    def __init__(self, layout: Layout, cheap: bool) -> None:
        super().__init__()
        self.groups = len(layout.groups)
        self.cheap = cheap
        self.numeric = [not field.choices for field in layout.spec.further]
        self.register_buffer("spans", torch.tensor([max(size - 1, 1) for size in layout.sizes], dtype=torch.float64))
        depths = [sum(group) / len(group) / max(layout.layers - 1, 1) for group in layout.groups]
        self.register_buffer("depth_distances", _squared_distances(torch.tensor(depths, dtype=torch.float64)[:, None]))
        adapted = [option for option in layout.options if option.kind != "none"]
        self.register_buffer("adapted", torch.tensor([option.kind != "none" for option in layout.options]))
        kinds = [option.kind for option in adapted]
        same = [[float(one == other) for other in kinds] for one in kinds]
        self.register_buffer("same_kind", torch.tensor(same, dtype=torch.float64))
        bits = torch.tensor([_TARGET_BITS[option.target] for option in adapted], dtype=torch.float64)
        self.register_buffer("attention_distances", _squared_distances(bits[:, :1]))
        self.register_buffer("mlp_distances", _squared_distances(bits[:, 1:]))
        octaves = torch.tensor([[math.log2(option.rank)] for option in adapted], dtype=torch.float64)
        self.register_buffer("rank_distances", _squared_distances(octaves))
        # The fixed sample that variances refer to: what the first two parts are scaled by.
        self.register_buffer("references", torch.from_numpy(sobol_rows(layout, _REFERENCES, seed=0)[:, : self.groups]))

        self.names = [name for name in _PRIORS if name != "field_length"] + ["field_length"] * len(self.numeric)
        medians = torch.tensor([math.log(_PRIORS[name][0]) for name in self.names], dtype=torch.float64)
        widths = torch.tensor([_PRIORS[name][1] for name in self.names], dtype=torch.float64)
        self.register_parameter("logarithms", torch.nn.Parameter(medians.clone()))
        self.register_prior("prior", NormalPrior(medians, widths), lambda kernel: kernel.logarithms)

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: Any) -> Tensor:
        """Covariances `batch x n x m` of points `batch x n x d` and `batch x m x d`, or `batch x n` of pairs."""
        value = self.hyperparameters()
        parts = self.parts(value)
        layers1 = parts.embed(self.numbers(x1))
        layers2 = layers1 if x1.shape == x2.shape and torch.equal(x1, x2) else parts.embed(self.numbers(x2))
        if diag:
            gram = (layers1 * layers2).sum(dim=-1)
            distances = (layers1 - layers2).square().sum(dim=-1)
        else:
            gram = layers1 @ layers2.transpose(-1, -2)
            norms1, norms2 = layers1.square().sum(dim=-1), layers2.square().sum(dim=-1)
            distances = (norms1.unsqueeze(-1) + norms2.unsqueeze(-2) - 2 * gram).clamp_min(0)
        total = self.combine(value, gram, distances, self.fields(x1, x2, diag))
        if self.cheap:
            missing1, missing2 = 1 - x1[..., -1], 1 - x2[..., -1]
            missing = missing1 * missing2 if diag else missing1.unsqueeze(-1) * missing2.unsqueeze(-2)
            total = total + value["fidelity"] * missing * (1 + 0.3 * total)
        return total

    def hyperparameters(self) -> dict[str, Tensor]:
        """Each hyperparameter by its name, on its own scale (not the logarithm); fields' lengths are left out."""
        shared = len(self.names) - len(self.numeric)
        return dict(zip(self.names[:shared], self.logarithms[:shared].exp(), strict=True))

    def combine(self, value: dict[str, Tensor], gram: Tensor, distances: Tensor, fields: list[Tensor]) -> Tensor:
        """The covariance at full fidelity, from the layers' inner products, their squared distances, and the fields' kernels."""
        together = value["together"] * torch.exp(-0.25 * distances / value["together_length"].square())
        total = value["layers"] * gram
        for field in fields:
            total = total + value["fields"] / len(fields) * field
            together = together * (0.5 + 0.5 * field)
        return total + together

    def parts(self, value: dict[str, Tensor]) -> "Parts":
        """What points are embedded with, for the present hyperparameters."""
        mix, factor = self._depth_factor(value), self._choice_factor(value)
        reference = _embed(self.references, mix, factor)
        centre = reference.mean(dim=0)
        return Parts(mix, factor, centre, (reference - centre).square().sum(dim=-1).mean())

    def numbers(self, x: Tensor) -> Tensor:
        """Options of the groups of points `batch x n x d`, as whole numbers `batch x n x groups`."""
        numbers: Tensor = (x[..., : self.groups] * self.spans[: self.groups]).round().long()
        return numbers

    def _depth_factor(self, value: dict[str, Tensor]) -> Tensor:
        """A factor of the covariance over depth, `groups x groups`."""
        smooth = torch.exp(-0.5 * self.depth_distances / value["depth_length"].square())
        own = (value["own_depth"] + 1e-6) * torch.eye(self.groups, dtype=smooth.dtype)
        root: Tensor = torch.linalg.cholesky(value["shared_depth"] + smooth + own)
        return root

    def _choice_factor(self, value: dict[str, Tensor]) -> Tensor:
        """A factor of the covariance over options, `options x adapted options`; a bare layer's row is zero."""
        likeness = value["kind_likeness"] / (1 + value["kind_likeness"])
        kinds = likeness + (1 - likeness) * self.same_kind
        exponent = (
            self.attention_distances / value["attention_length"].square()
            + self.mlp_distances / value["mlp_length"].square()
            + self.rank_distances / value["rank_length"].square()
        )
        covariance = value["any_adapter"] + kinds * torch.exp(-0.5 * exponent)
        root = torch.linalg.cholesky(covariance + 1e-6 * torch.eye(len(covariance), dtype=covariance.dtype))
        factor = torch.zeros(len(self.adapted), root.shape[1], dtype=root.dtype)
        factor[self.adapted] = root
        return factor

    def fields(self, x1: Tensor, x2: Tensor, diag: bool) -> list[Tensor]:
        """One kernel for each further field, of the shape of the whole one, 1 where the values agree."""
        lengths = self.logarithms[len(self.names) - len(self.numeric) :].exp()
        covariances = []
        for index, numeric in enumerate(self.numeric):
            one, other = x1[..., self.groups + index], x2[..., self.groups + index]
            gap = one - other if diag else one.unsqueeze(-1) - other.unsqueeze(-2)
            # Choices have no order: two that differ are as far apart as the two ends of a range.
            distance = gap.square() if numeric else (gap.abs() > 1e-9).to(gap.dtype)
            covariances.append(torch.exp(-0.5 * distance / lengths[index].square()))
        return covariances


def _embed(numbers: Tensor, mix: Tensor, factor: Tensor) -> Tensor:
    """Sums over layers of `mix[l] x factor[option]`: `batch x n x groups` to `batch x n x features`."""
    return torch.einsum("...lc,lr->...rc", factor[numbers], mix).flatten(-2)


def _squared_distances(points: Tensor) -> Tensor:
    return (points[:, None] - points[None]).square().sum(dim=-1)
