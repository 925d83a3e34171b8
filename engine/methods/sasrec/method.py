"""``sasrec``: self-attention over the last items, with a softmax or sampled binary losses; alone, or as an ensemble."""

import numpy as np
import torch
from torch import Tensor

from engine.collaborative.batches import SequenceBatch
from engine.collaborative.losses import binary_loss, generalised_binary_loss
from engine.collaborative.sasrec import SasrecNetwork
from engine.methods.ensemble import EnsembleMethod
from engine.methods.method import StepLoss
from engine.methods.sasrec.spec import SasrecSpec


class Implementation(EnsembleMethod[SasrecSpec, SasrecNetwork]):
    """The network with the loss that the settings name."""

    title = "SASRec"

    def build(self, proposal: Tensor) -> SasrecNetwork:
        """A network of the settings' shape."""
        return SasrecNetwork(self.items, self.settings, self.settings, proposal)

    def step_loss(self, network: SasrecNetwork, batch: SequenceBatch) -> StepLoss:
        """The loss that the settings name, over all positions."""
        return sequence_loss(network, batch, self.settings, self.context.spec.training.seed)


def sequence_loss(network: SasrecNetwork, batch: SequenceBatch, settings: SasrecSpec, seed: int) -> StepLoss:
    """The loss of one batch over all its positions."""
    if settings.loss == "ce":
        return network.loss(batch, seed)
    supervised = batch.targets != network.items
    targets = batch.targets[supervised]
    states = network(batch.inputs, batch.lengths)[supervised]
    generator = np.random.default_rng([seed, *batch.key])
    drawn = generator.integers(0, network.items, size=(len(targets), settings.negatives))
    negatives = torch.from_numpy(drawn).to(targets.device)
    if settings.loss == "bce":
        loss = binary_loss(states, network.catalogue(), targets, negatives)
    else:
        loss = generalised_binary_loss(states, network.catalogue(), targets, negatives, settings.calibration)
    return StepLoss(loss, len(targets))
