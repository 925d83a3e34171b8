"""``sasrec``: self-attention over the last items, with a full softmax or sampled binary cross-entropy."""

from typing import cast

import numpy as np
import torch
from torch import Tensor

from engine.collaborative.batches import SequenceBatch, window_epoch
from engine.collaborative.losses import binary_loss, softmax_loss
from engine.collaborative.sasrec import SasrecNetwork
from engine.evaluation.evaluator import Score
from engine.methods.method import Context, EpochBatches, Method, ParameterGroup, Stage, StepLoss
from engine.methods.sasrec.spec import SasrecSpec
from engine.methods.state import load_module_state, module_state


class Implementation(Method[SasrecSpec]):
    """One network, one stage."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.items = context.version.counts.items
        self.network = SasrecNetwork(self.items, self.settings).to(context.device)

    def stages(self) -> list[Stage]:
        """One stage: all parameters, all positions of each window supervised."""
        group = ParameterGroup(list(self.network.parameters()), self.context.spec.training.learning_rate)
        return [Stage("SASRec", self.network, [group], self._epoch, self._loss, self.scorer)]

    def scorer(self) -> Score:
        """The last state's product with each item vector."""
        return self.network.scorer()

    def state(self) -> dict[str, Tensor]:
        """The network's weights."""
        return module_state(self.network)

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over weights."""
        load_module_state(self.network, state)
        self.network.eval()

    def _epoch(self, epoch: int) -> EpochBatches:
        training = self.context.spec.training
        key = (training.seed, 0, epoch)
        return window_epoch(
            self.context.split.train, self.settings.window, training.batch_size, self.items, self.context.device, key
        )

    def _loss(self, batch: object) -> StepLoss:
        return sequence_loss(self.network, cast(SequenceBatch, batch), self.settings, self.context.spec.training.seed)


def sequence_loss(network: SasrecNetwork, batch: SequenceBatch, settings: SasrecSpec, seed: int) -> StepLoss:
    """The loss of one batch over all its positions."""
    states = network(batch.inputs, batch.lengths)
    supervised = batch.targets != network.items
    targets = batch.targets[supervised]
    if settings.loss == "ce":
        loss = softmax_loss(states[supervised], network.catalogue(), targets)
    else:
        generator = np.random.default_rng([seed, *batch.key])
        drawn = generator.integers(0, network.items, size=(len(targets), settings.negatives))
        loss = binary_loss(states[supervised], network.catalogue(), targets, torch.from_numpy(drawn).to(targets.device))
    return StepLoss(loss, len(targets))
