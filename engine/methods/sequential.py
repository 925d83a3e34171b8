"""The base of methods that train one network in one stage over windows of the training sequences."""

from abc import abstractmethod
from typing import TypeVar, cast

import numpy as np
from torch import Tensor

from engine.collaborative.batches import SequenceBatch, window_epoch
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.softmax import catalogue_loss
from engine.collaborative.spec import SoftmaxSpec
from engine.methods.method import EpochBatches, ParameterGroup, Stage, StepLoss
from engine.methods.network_method import NetworkMethod
from engine.methods.spec import MethodSpec

S = TypeVar("S", bound=MethodSpec)


class SequentialMethod(NetworkMethod[S]):
    """One network, one stage, all its parameters.

    Attributes:
        title: name of the stage.
        inputs: items of a training window without its last target.
    """

    title: str
    inputs: int

    @abstractmethod
    def step_loss(self, batch: SequenceBatch) -> StepLoss:
        """The loss of one batch; chance comes from seed and ``batch.key``, or from torch's generator."""

    def stages(self) -> list[Stage]:
        """One stage."""
        group = ParameterGroup(list(self.network.parameters()), self.context.spec.training.learning_rate)
        return [Stage(self.title, self.network, [group], self._epoch, self._loss, self.scorer)]

    def _epoch(self, epoch: int) -> EpochBatches:
        context, training = self.context, self.context.spec.training
        key = (training.seed, 0, epoch)
        items = context.version.counts.items
        return window_epoch(context.split.train, self.inputs, training.batch_size, items, context.device, key)

    def _loss(self, batch: object) -> StepLoss:
        return self.step_loss(cast(SequenceBatch, batch))


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
