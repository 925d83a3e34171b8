"""The loss of sequential CF models: the item after each position, by a softmax over the catalogue."""

import numpy as np
from torch import Tensor

from engine.collaborative.batches import SequenceBatch
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.softmax import catalogue_loss
from engine.collaborative.spec import SoftmaxSpec
from engine.methods.method import StepLoss


def next_item_loss(
    model: CollaborativeModel, batch: SequenceBatch, softmax: SoftmaxSpec, proposal: Tensor | None, seed: int
) -> StepLoss:
    """The softmax cross-entropy of the item after each position.

    Args:
        softmax: how it is computed; what it samples comes from ``seed`` and ``batch.key`` alone.
        proposal: `items`, probabilities that it samples with; None: uniformly.
    """
    vectors = model.catalogue()
    supervised = batch.targets != model.items
    states = model.norm(model.states(batch.inputs, batch.lengths, vectors)[supervised])
    targets = batch.targets[supervised]
    generator = np.random.default_rng([seed, *batch.key])
    return StepLoss(catalogue_loss(states, vectors, targets, softmax, generator, proposal), len(targets))
