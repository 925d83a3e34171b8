"""The base of methods that learn a vector for each user and each item from single interactions."""

from collections.abc import Sequence
from typing import TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from engine.collaborative.history_mean import HistoryMeanModel
from engine.collaborative.pairs import PairBatch, pair_epoch
from engine.evaluation.evaluator import History, Score, Users
from engine.methods.method import EpochBatches, ParameterGroup, Stage, StepLoss
from engine.methods.network_method import NetworkMethod
from engine.methods.spec import MethodSpec
from engine.methods.vectors import VectorScore

S = TypeVar("S", bound=MethodSpec)


class PairwiseMethod(NetworkMethod[S]):
    """One model with user vectors, one stage: BPR over all training interactions.

    Attributes:
        title: name of the stage.
        by_vector: users with training rows are ranked for by their vectors; for all others the mean of the history stands in.
    """

    title: str
    network: HistoryMeanModel
    by_vector: bool

    def stages(self) -> list[Stage]:
        """One stage: the vectors. The norm, which only windows train, stays as it is, and no score here goes through it."""
        still = {id(parameter) for parameter in self.network.norm.parameters()}
        vectors = [parameter for parameter in self.network.parameters() if id(parameter) not in still]
        group = ParameterGroup(vectors, self.context.spec.training.learning_rate)
        return [Stage(self.title, self.network, [group], self._epoch, self._loss, self.scorer)]

    def scorer(self) -> Score:
        """The product of the user's vector, or of the history's mean, with each item vector."""
        score = self.vectors()

        @torch.no_grad()
        def of_histories(histories: Sequence[History], users: Users | None) -> Tensor:
            return score.queries(histories, users) @ score.items.T

        return of_histories

    def vectors(self) -> VectorScore:
        """The item vectors, and the user's vector or the history's mean.

        The vector of a user who was not trained on says nothing.
        """
        with torch.no_grad():
            of_users, of_items = self.network.user_vectors()
        trained_on = torch.from_numpy(self.context.split.train.lengths > 0).to(of_users.device)

        @torch.no_grad()
        def queries(histories: Sequence[History], users: Users | None) -> Tensor:
            if users is None or not self.by_vector:
                return self.network.last_states(histories, of_items)
            indexes = torch.from_numpy(np.asarray(users, dtype=np.int64)).to(of_users.device)
            found, unknown = of_users[indexes], ~trained_on[indexes]
            if unknown.any():
                strangers = [history for history, is_unknown in zip(histories, unknown.tolist(), strict=True) if is_unknown]
                found[unknown] = self.network.last_states(strangers, of_items)
            return found

        return VectorScore(of_items, queries, f"the whole score of {self.title}")

    def _epoch(self, epoch: int) -> EpochBatches:
        context, training, network = self.context, self.context.spec.training, self.network
        key = (training.seed, 0, epoch)
        return pair_epoch(context.split.train, network.sampler, network.negatives, training.batch_size, context.device, key)

    def _loss(self, batch: object) -> StepLoss:
        return self.network.pair_loss(cast(PairBatch, batch))
