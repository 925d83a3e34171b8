"""Ranking with a sequential CF model alone."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.collaborative.batches import history_batch
from engine.collaborative.sasrec import SasrecNetwork
from engine.evaluation.evaluator import History


@torch.no_grad()
def score_network(network: SasrecNetwork, histories: Sequence[History]) -> Tensor:
    """The product of the last state of each history with each item vector: `batch x items`."""
    device = network.embedding.weight.device
    items, lengths = history_batch(histories, network.window, network.items, device)
    states = network(items, lengths)
    scores: Tensor = states[torch.arange(len(states), device=device), lengths - 1] @ network.item_vectors.T
    return scores
