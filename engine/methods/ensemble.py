"""The base of methods made of one collaborative network, or an ensemble of several, with or without a blend."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from engine.blend.blend import Blend
from engine.blend.counts import Parts
from engine.collaborative.batches import SequenceBatch, window_epoch
from engine.collaborative.model import CollaborativeModel
from engine.collaborative.softmax import training_proposal
from engine.evaluation.evaluator import History, Score, Users
from engine.methods.ensemble_spec import EnsembleSpec
from engine.methods.method import Context, EpochBatches, ParameterGroup, Stage, StepLoss
from engine.methods.network_method import NetworkMethod
from engine.methods.vectors import VectorScore

S = TypeVar("S", bound=EnsembleSpec)
N = TypeVar("N", bound=CollaborativeModel)


class EnsembleMethod(NetworkMethod[S], Generic[S, N]):
    """One network, one stage; or as many of both as the ensemble has members, each with weights and batches of its own chance.

    Attributes:
        title: the network's name in stages and parts.
    """

    title: str

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.items = context.version.counts.items
        proposal = training_proposal(context.split.train, self.items)
        self.networks = [self.build(proposal).to(context.device) for _ in range(self.settings.members)]
        # What is saved: the one network under its own names, or all members in a list.
        self.network: nn.Module = self.networks[0] if len(self.networks) == 1 else nn.ModuleList(self.networks)
        self.blend = Blend(context, self.settings.blend, dict.fromkeys(self._names(), 1.0))

    @abstractmethod
    def build(self, proposal: Tensor) -> N:
        """A network with random weights from torch's generator; ``proposal`` is what a sampled softmax draws with."""

    def step_loss(self, network: N, batch: SequenceBatch) -> StepLoss:
        """The loss of one batch: the network's own, unless a subclass has others."""
        return network.loss(batch, self.context.spec.training.seed)

    def stages(self) -> list[Stage]:
        """A stage for each network: all its parameters, all positions of each window supervised."""
        return [self._stage(member, name) for member, name in enumerate(self._names())]

    def calibrate(self) -> None:
        """Weigh networks and counted models on validation, if asked for."""
        self.blend.fit(self._parts())

    def adopt_calibration(self, state: dict[str, Tensor]) -> None:
        """The weights of the blend, if there are any."""
        self.blend.take(state)

    def scorer(self) -> Score:
        """The last state's product with each item vector; of several networks, the sum of their standardised scores."""
        if self.blend.fitted:
            return self.blend.scorer(self._parts())
        scores = [network.scorer() for network in self.networks]
        return scores[0] if len(scores) == 1 else partial(standardised_sum, scores)

    def vectors(self) -> VectorScore | None:
        """The network's, or all networks' in a row, weighed as in the blend.

        None for several networks without a blend: their scores are standardised over the catalogue, which no product does.
        """
        if len(self.networks) > 1 and not self.blend.fitted:
            return None
        found = [network.vectors() for network in self.networks]
        items = [vectors for vectors, _ in found]
        return self.blend.vectors(items, lambda histories, users: [queries(histories, users) for _, queries in found])

    def state(self) -> dict[str, Tensor]:
        """The networks' weights, and those of the blend."""
        return {**super().state(), **self.blend.state()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over weights."""
        super().load_state(self.blend.take(state))

    def _names(self) -> list[str]:
        members = len(self.networks)
        return [self.title] if members == 1 else [f"{self.title} {member + 1} of {members}" for member in range(members)]

    def _parts(self) -> Parts:
        scores = [network.scorer() for network in self.networks]
        return lambda histories, users: [score(histories, users) for score in scores]

    def _stage(self, member: int, name: str) -> Stage:
        network = self.networks[member]
        group = ParameterGroup(list(network.parameters()), self.context.spec.training.learning_rate)
        return Stage(name, network, [group], partial(self._epoch, member), partial(self._loss, network), network.scorer)

    def _epoch(self, stage: int, epoch: int) -> EpochBatches:
        context, training = self.context, self.context.spec.training
        key = (training.seed, stage, epoch)
        window = self.networks[stage].window
        return window_epoch(context.split.train, window, training.batch_size, self.items, context.device, key)

    def _loss(self, network: N, batch: object) -> StepLoss:
        return self.step_loss(network, cast(SequenceBatch, batch))


def standardised_sum(members: Sequence[Score], histories: Sequence[History], users: Users | None) -> Tensor:
    """The sum over members of each one's scores, brought to mean 0 and deviation 1 over the catalogue for each history."""
    total: Tensor | None = None
    for member in members:
        scores = member(histories, users)
        deviation = scores.std(dim=1, keepdim=True, correction=0).clamp(min=torch.finfo(scores.dtype).tiny)
        standard = (scores - scores.mean(dim=1, keepdim=True)) / deviation
        total = standard if total is None else total + standard
    if total is None:
        raise ValueError("an ensemble needs a member")
    return total
