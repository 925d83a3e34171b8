"""A score in parts: each part has one weight, fitted on validation once the method is trained.

Linear blending of predictors on a probe set is as old as the Netflix prize (Toescher, Jahrer and Bell, 2009). Training alone
weighs the parts wrongly: what explains the training rows best, the item vectors, is not what ranks unseen targets best.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from engine.blend.counts import Parts, counted_names, counted_parts
from engine.blend.fit import Examples, fit_weights
from engine.blend.spec import BlendSpec
from engine.data.split import seen_rule
from engine.errors import CheckpointError
from engine.evaluation.evaluator import History, Score, Users, pairs_of
from engine.events import LogEvent
from engine.methods.method import Context
from engine.methods.vectors import VectorScore

CELLS = 1 << 25
"""Users times items that are held at once while weights are fitted (128 MB a part)."""
BATCH = 64
STATE = "blend.weights"


class Blend:
    """Weights for the parts of a method's score, and the counted models that join them.

    Args:
        own: the method's own parts, each with its weight in the score that it was trained with.
    """

    def __init__(self, context: Context, settings: BlendSpec, own: Mapping[str, float]) -> None:
        self.context, self.settings = context, settings
        self.own = dict(own)
        self.names = (*self.own, *(counted_names(context) if settings.counts else ()))
        self.weights: Tensor | None = None

    @property
    def fitted(self) -> bool:
        """True once there are weights."""
        return self.weights is not None

    def fit(self, own: Parts) -> None:
        """Fit the weights on validation targets; nothing happens where the settings do not ask for it, or nobody has one."""
        if not self.settings.fit:
            return
        examples = self._examples(own)
        if examples is None:
            return
        start = [*self.own.values(), *(0.0 for _ in self.names[len(self.own) :])]
        self.weights = fit_weights(examples, start, self.context.check_stop)
        strength = self.weights * examples.parts.std(dim=2).mean(dim=1)
        told = ", ".join(f"{name} {value:.2f}" for name, value in zip(self.names, strength.tolist(), strict=True))
        users = len(examples.targets)
        self.context.report(LogEvent(message=f"score blended on {users:,} validation users, weight times spread: {told}"))

    def scorer(self, own: Parts) -> Score:
        """The weighted sum of all parts; needs weights."""
        assert self.weights is not None  # noqa: S101 - asked for by every caller
        weights = self.weights.tolist()
        parts = self._all(own)

        def score(histories: Sequence[History], users: Users | None) -> Tensor:
            total: Tensor | None = None
            for weight, part in zip(weights, parts(histories, users), strict=True):
                total = weight * part if total is None else total.add_(part, alpha=weight)
            assert total is not None  # noqa: S101 - there is a part of the method's own
            return total

        return score

    def vectors(self, items: Sequence[Tensor], own: Parts) -> VectorScore:
        """The method's own parts, all of them inner products, as one: vectors in a row, each part's query times its weight.

        Counted models are no inner products: they are missing from it.

        Args:
            items: of each part, `items x d`.
            own: the queries of each part, `batch x d`, in place of its scores.
        """
        names = self.names[: len(items)]
        weights = list(self.own.values()) if self.weights is None else self.weights.tolist()[: len(items)]

        @torch.no_grad()
        def queries(histories: Sequence[History], users: Users | None) -> Tensor:
            found = own(histories, users)
            return torch.cat([weight * part for weight, part in zip(weights, found, strict=True)], dim=1)

        missing = self.names[len(items) :] if self.fitted else ()
        told = " + ".join(f"{weight:.4g} x {name}" for name, weight in zip(names, weights, strict=True))
        says = f"{told}, of a score that has {', '.join(missing)} too" if missing else f"the whole score: {told}"
        return VectorScore(torch.cat(list(items), dim=1), queries, says, missing)

    def state(self) -> dict[str, Tensor]:
        """The weights, if there are any; counted models are counted again when they are needed."""
        return {} if self.weights is None else {STATE: self.weights}

    def take(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Take the weights out of a saved state, and give the rest; raises CheckpointError if they fit other parts."""
        weights = state.get(STATE)
        if weights is not None and weights.shape != (len(self.names),):
            raise CheckpointError(f"The saved weights are {tuple(weights.shape)}, for {len(self.names)} parts of the score.")
        self.weights = None if weights is None else weights.to(self.context.device)
        return {name: tensor for name, tensor in state.items() if name != STATE}

    @cached_property
    def _counted(self) -> Parts:
        return counted_parts(self.context)

    def _all(self, own: Parts) -> Parts:
        if not self.settings.counts:
            return own
        counted = self._counted
        return lambda histories, users: [*own(histories, users), *counted(histories, users)]

    @torch.no_grad()
    def _examples(self, own: Parts) -> Examples | None:
        """Users of validation, drawn evenly by the run's seed."""
        context = self.context
        users, targets = context.split.targets("valid")
        items = context.version.counts.items
        count = min(len(users), self.settings.users, max(BATCH, CELLS // items))
        if not count:
            return None
        drawn = np.random.default_rng([context.spec.training.seed, len(users)]).choice(len(users), count, replace=False)
        drawn.sort()
        remove = seen_rule(context.version, context.spec.evaluation.seen) == "remove"
        parts = self._all(own)
        found = torch.empty(len(self.names), count, items, device=context.device)
        removed = torch.zeros(count, items, dtype=torch.bool, device=context.device)
        for begin in range(0, count, BATCH):
            context.check_stop()
            rows = drawn[begin : begin + BATCH]
            histories = [context.split.history(int(user), "valid") for user in users[rows]]
            for index, part in enumerate(parts(histories, users[rows])):
                found[index, begin : begin + len(rows)] = part
            if remove:
                pairs = pairs_of(histories, context.device)
                removed[begin + pairs[:, 0], pairs[:, 1]] = True
        wanted = torch.from_numpy(targets[drawn].astype(np.int64)).to(context.device)
        # a target that the history holds already is no candidate: nothing can be learned from it
        reachable = ~removed[torch.arange(count, device=context.device), wanted]
        if reachable.all():
            return Examples(found, removed, wanted)  # no copy of what may be gigabytes
        return Examples(found[:, reachable], removed[reachable], wanted[reachable]) if reachable.any() else None
