"""``sasrec``: self-attention over the last items, with a softmax or sampled binary losses; alone, or as an ensemble."""

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from engine.blend.blend import Blend
from engine.blend.counts import Parts
from engine.collaborative.batches import SequenceBatch, window_epoch
from engine.collaborative.losses import binary_loss, generalised_binary_loss
from engine.collaborative.sasrec import SasrecNetwork
from engine.collaborative.softmax import training_proposal
from engine.evaluation.evaluator import History, Score, Users
from engine.methods.method import Context, EpochBatches, ParameterGroup, Stage, StepLoss
from engine.methods.network_method import NetworkMethod
from engine.methods.sasrec.spec import SasrecSpec


class Implementation(NetworkMethod[SasrecSpec]):
    """One network, one stage; or as many of both as the ensemble has members, each with weights and batches of its own chance."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.items = context.version.counts.items
        proposal = training_proposal(context.split.train, self.items)
        self.networks = [
            SasrecNetwork(self.items, self.settings, self.settings, proposal).to(context.device)
            for _ in range(self.settings.members)
        ]
        # What is saved: the one network under its own names, or all members in a list.
        self.network: nn.Module = self.networks[0] if len(self.networks) == 1 else nn.ModuleList(self.networks)
        names = ["network"] if len(self.networks) == 1 else [f"network {member + 1}" for member in range(len(self.networks))]
        self.blend = Blend(context, self.settings.blend, dict.fromkeys(names, 1.0))

    def stages(self) -> list[Stage]:
        """A stage for each network: all its parameters, all positions of each window supervised."""
        return [self._stage(member) for member in range(len(self.networks))]

    def calibrate(self) -> None:
        """Weigh networks and counted models on validation, if asked for."""
        self.blend.fit(self._parts())

    def scorer(self) -> Score:
        """The last state's product with each item vector; of several networks, the sum of their standardised scores."""
        if self.blend.fitted:
            return self.blend.scorer(self._parts())
        scores = [network.scorer() for network in self.networks]
        return scores[0] if len(scores) == 1 else partial(standardised_sum, scores)

    def state(self) -> dict[str, Tensor]:
        """The networks' weights, and those of the blend."""
        return {**super().state(), **self.blend.state()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over weights."""
        super().load_state(self.blend.take(state))

    def _parts(self) -> Parts:
        scores = [network.scorer() for network in self.networks]
        return lambda histories, users: [score(histories, users) for score in scores]

    def _stage(self, member: int) -> Stage:
        network = self.networks[member]
        group = ParameterGroup(list(network.parameters()), self.context.spec.training.learning_rate)
        name = "SASRec" if len(self.networks) == 1 else f"SASRec {member + 1} of {len(self.networks)}"
        return Stage(name, network, [group], partial(self._epoch, member), partial(self._loss, network), network.scorer)

    def _epoch(self, stage: int, epoch: int) -> EpochBatches:
        context, training = self.context, self.context.spec.training
        key = (training.seed, stage, epoch)
        return window_epoch(context.split.train, self.settings.window, training.batch_size, self.items, context.device, key)

    def _loss(self, network: SasrecNetwork, batch: object) -> StepLoss:
        return sequence_loss(network, cast(SequenceBatch, batch), self.settings, self.context.spec.training.seed)


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
