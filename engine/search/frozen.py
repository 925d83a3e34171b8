"""The fitted kernel against fixed points, by table look-up: what makes looking at thousands of candidates cheap.

It gives what ``ArchitectureKernel`` gives (a test compares them), but sums what each layer's option contributes instead of
embedding every candidate anew.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from engine.search.kernel import ArchitectureKernel
from engine.search.layout import Layout, Rows
from engine.search.observations import points_of


class FrozenKernel:
    """Covariances of rows (at full fidelity) with ``points`` and their variances, for hyperparameters that no longer change.

    Args:
        points: `n x d`, of any fidelity.
    """

    @torch.no_grad()
    def __init__(self, layout: Layout, kernel: ArchitectureKernel, points: Tensor) -> None:
        self.layout = layout
        self.kernel = kernel
        self.points = points
        self._value = kernel.hyperparameters()
        parts = kernel.parts(self._value)
        groups, features = len(parts.mix), parts.factor.shape[1]
        embedded = parts.embed(kernel.numbers(points))
        self._norms = embedded.square().sum(dim=-1)

        def contributions(vectors: Tensor) -> Tensor:
            """Inner products of each group's options with vectors `k x features`, `(groups * options) x k`."""
            mixed = torch.einsum("lr,krc->lck", parts.mix, vectors.reshape(-1, groups, features))
            return torch.einsum("oc,lck->lok", parts.factor, mixed).flatten(0, 1)

        root = parts.scale.sqrt()
        self._gains = contributions(embedded) / root
        self._offset = embedded @ parts.centre / root
        self._towards_centre = contributions(parts.centre[None]) / parts.scale
        self._centre_norm = parts.centre.square().sum() / parts.scale
        self._depth = parts.mix @ parts.mix.T / parts.scale
        self._choices = parts.factor @ parts.factor.T
        self._first = torch.arange(groups) * len(parts.factor)

    @torch.no_grad()
    def covariances(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Covariances of rows `m x columns` with the points, `m x n`, and the rows' variances, `m`."""
        numbers = torch.from_numpy(np.ascontiguousarray(rows[:, : len(self._first)]))
        indices = numbers + self._first
        gram = embedding_bag(indices, self._gains, mode="sum") - self._offset
        pairs = (self._choices[numbers[:, :, None], numbers[:, None, :]] * self._depth).sum(dim=(1, 2))
        norms = pairs - 2 * embedding_bag(indices, self._towards_centre, mode="sum")[:, 0] + self._centre_norm
        distances = (norms[:, None] + self._norms - 2 * gram).clamp_min(0)
        points = points_of(self.layout, rows)
        fields = self.kernel.fields(points, self.points, diag=False)
        same = [torch.ones_like(norms) for _ in fields]
        return (
            self.kernel.combine(self._value, gram, distances, fields),
            self.kernel.combine(self._value, norms, torch.zeros_like(norms), same),
        )

    @torch.no_grad()
    def gains(self, group: int) -> tuple[Tensor, Tensor]:
        """What a group's options add by themselves: prior covariance, `options x options`, and with the points, `options x n`."""
        options = len(self._choices)
        weight = self._value["layers"]
        cross = self._gains[group * options : (group + 1) * options]
        return weight * self._depth[group, group] * self._choices, weight * cross
