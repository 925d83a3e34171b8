"""The graph of users and items, for propagation with symmetric normalisation."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from engine.data.sequences import Sequences


class InteractionGraph(nn.Module):
    """An undirected graph with an edge for each (user, item) pair of the training interactions, however often it occurs.

    Nodes are users, then items. The propagation matrix is ``D^-1/2 A D^-1/2``: an edge weighs ``1 / sqrt(degree_u * degree_i)``
    (LightGCN, arXiv 2002.02126, equation 3).

    Args:
        train: training items of each user; no other interaction enters the graph.
        items: size of the catalogue.
    """

    def __init__(self, train: Sequences, items: int) -> None:
        super().__init__()
        self.users, self.items = len(train), items
        pairs = np.unique(np.repeat(np.arange(len(train)), train.lengths) * items + train.items)
        users, targets = pairs // items, pairs % items
        by_item = np.argsort(targets, kind="stable")
        degrees = np.concatenate([np.bincount(users, minlength=self.users), np.bincount(targets, minlength=items)])
        # Both directions of each edge, sorted by the node that receives: users from items, then items from users.
        self._keep("pairs", pairs)
        self._keep("edge_users", users)
        self._keep("edge_items", targets)
        self._keep("senders", np.concatenate([self.users + targets, users[by_item]]))
        self._keep("edges", np.concatenate([np.arange(len(pairs)), by_item]))
        self._keep("offsets", np.concatenate([[0], np.cumsum(degrees)]))

    pairs: Tensor
    edge_users: Tensor
    edge_items: Tensor
    senders: Tensor
    edges: Tensor
    offsets: Tensor

    def _keep(self, name: str, values: np.ndarray[Any, Any]) -> None:
        self.register_buffer(name, torch.from_numpy(values.astype(np.int64)), persistent=False)

    def weights(self, dropped: Tensor | None = None) -> Tensor:
        """The weight of each edge, in the order of ``pairs``; dropped edges weigh nothing and count in no degree.

        Args:
            dropped: `n x 2`, (user, item) pairs; those that are no edges change nothing.
        """
        present = torch.ones(len(self.pairs), device=self.pairs.device)
        if dropped is not None and len(dropped) and len(self.pairs):
            wanted = dropped[:, 0] * self.items + dropped[:, 1]
            places = torch.searchsorted(self.pairs, wanted).clamp(max=len(self.pairs) - 1)
            present[places[self.pairs[places] == wanted]] = 0.0
        of_users = torch.zeros(self.users, device=present.device).index_add_(0, self.edge_users, present)
        of_items = torch.zeros(self.items, device=present.device).index_add_(0, self.edge_items, present)
        degrees = of_users[self.edge_users] * of_items[self.edge_items]
        return torch.where(present > 0, degrees.clamp(min=1).rsqrt(), 0.0)

    def propagate(self, vectors: Tensor, weights: Tensor) -> Tensor:
        """One step: each node's new vector is the weighted sum of its neighbours'. `users + items x d` to the same shape.

        Args:
            weights: what ``weights`` gave.
        """
        spread: Tensor = _Propagate.apply(  # type: ignore[no-untyped-call]
            vectors, self.senders, self.offsets, weights[self.edges]
        )
        return spread


class _Propagate(torch.autograd.Function):
    """The product of a symmetric sparse matrix with dense vectors: the gradient goes through the same matrix."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, senders: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(senders, offsets, weights)
        return _sum_neighbours(vectors, senders, offsets, weights)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        return _sum_neighbours(gradients[0].contiguous(), *ctx.saved_tensors), None, None, None


def _sum_neighbours(vectors: Tensor, senders: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
    return functional.embedding_bag(
        senders, vectors, offsets, mode="sum", per_sample_weights=weights.to(vectors.dtype), include_last_offset=True
    )
