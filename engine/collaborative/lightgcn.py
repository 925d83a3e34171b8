"""LightGCN (He et al., 2020, arXiv 2002.02126): vectors propagated over the graph of users and items."""

import torch
from torch import Tensor

from engine.collaborative.graph import InteractionGraph
from engine.collaborative.history_mean import HistoryMeanModel
from engine.collaborative.spec import LightgcnShape
from engine.data.sequences import Sequences


class LightgcnModel(HistoryMeanModel):
    """Final vectors are the mean over layers 0 to ``layers`` of the propagated vectors (equations 3, 4 and 8 of the paper).

    Args:
        items: size of the catalogue; index ``items`` is padding.
        train: training items of each user: the graph.
    """

    user_table: torch.nn.Parameter

    def __init__(self, items: int, shape: LightgcnShape, train: Sequences) -> None:
        super().__init__(items, shape, train, user_vectors=True)
        self.layers = shape.layers
        self.graph = InteractionGraph(train, items)

    def catalogue(self, dropped: Tensor | None = None) -> Tensor:
        """The items' final vectors, with the ``dropped`` edges left out of the graph."""
        return self._propagated(dropped)[self.graph.users :]

    def user_vectors(self) -> tuple[Tensor, Tensor]:
        """The final vectors over the whole training graph."""
        final = self._propagated(None)
        return final[: self.graph.users], final[self.graph.users :]

    def _propagated(self, dropped: Tensor | None) -> Tensor:
        weights = self.graph.weights(dropped)
        layer = total = torch.cat([self.user_table, self.item_table])
        for _ in range(self.layers):
            layer = self.graph.propagate(layer, weights)
            total = total + layer
        return total / (self.layers + 1)
