"""Collaborative knowledge injection (method.md section 2.4): what the backbone is told by the CF model.

Each part is ``gate * P(x)`` with a gate of its own; P is a layer norm and a linear map whose output has about the size of
the vectors that it is added to.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.methods.darec.spec import InjectionSpec


@dataclass(frozen=True)
class CollaborativeView:
    """What the CF model says of a batch of windows.

    Attributes:
        vectors: ``c_i``, `items x d`.
        states: ``z_k`` at the window's items, before the CF model's last norm, `batch x length x d`.
        before: ``z`` at the item before the window's first, `batch x d`; zeros where the window starts the history.
        has_before: `batch`, whether there is such an item.
    """

    vectors: Tensor
    states: Tensor
    before: Tensor
    has_before: Tensor

    def detached(self) -> "CollaborativeView":
        """The same without gradients."""
        return CollaborativeView(self.vectors.detach(), self.states.detach(), self.before.detach(), self.has_before)


class Injection(nn.Module):
    """Item, state and long-term parts.

    Args:
        width: size of the CF model's vectors, ``d``.
        d_model: size of the backbone's states.
        size: root mean square of the vectors that item and state parts are added to.
        long_size: the same for the soft token ``U``.
    """

    def __init__(self, settings: InjectionSpec, width: int, d_model: int, size: float, long_size: float) -> None:
        super().__init__()
        self.item = GatedMap(width, d_model, size, settings.gate) if settings.item else None
        self.state = GatedMap(width, d_model, size, settings.gate) if settings.state else None
        self.long_term = GatedMap(width, d_model, long_size, settings.gate) if settings.long_term else None

    def markers(self, histories: Tensor, view: CollaborativeView) -> Tensor | None:
        """What is added to each marker: `batch x length x d_model`, or None for nothing.

        Args:
            histories: `batch x length`; padding, the number of items, gets a vector too, which nobody reads.
        """
        total: Tensor | None = None
        if self.item is not None:
            chosen = view.vectors[histories.clamp(max=len(view.vectors) - 1)]
            total = self.item(chosen)
        if self.state is not None:
            part = self.state(view.states)
            total = part if total is None else total + part
        return total

    def before(self, view: CollaborativeView) -> Tensor | None:
        """What is added to the soft token: `batch x d_model`, zeros where nothing happened before; None without such a token."""
        if self.long_term is None:
            return None
        part: Tensor = self.long_term(view.before) * view.has_before[:, None]
        return part


class GatedMap(nn.Module):
    """``gate * W LN(x)``."""

    def __init__(self, width: int, d_model: int, size: float, gate: float) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.tensor(gate))
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, d_model)
        nn.init.normal_(self.linear.weight, std=size / width**0.5)
        nn.init.zeros_(self.linear.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """`... x d` to `... x d_model`."""
        mapped: Tensor = self.gate * self.linear(self.norm(vectors))
        return mapped
