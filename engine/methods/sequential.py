"""The base of methods that train one network in one stage over windows of the training sequences."""

from abc import abstractmethod
from typing import TypeVar, cast

from engine.collaborative.batches import SequenceBatch, window_epoch
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
