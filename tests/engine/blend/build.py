"""What the blend's tests are made from: a context, and a method's own parts that need no training."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.data.split import Split, leave_one_out
from engine.data.version import Version
from engine.evaluation.evaluator import History, Users
from engine.methods.method import Context
from tests.engine.methods.runs import small_spec

OWN = {"next": 1.0, "noise": 0.0}


def context(
    version: Version,
    workdir: Path,
    settings: dict[str, Any] | None = None,
    split: Split | None = None,
    check_stop: Callable[[], None] = lambda: None,
) -> Context:
    """A run's, of a method that plays no part."""
    spec = small_spec("popularity", settings)
    device = torch.device("cpu")
    return Context(spec, version, split or leave_one_out(version), device, workdir, lambda event: None, check_stop)


class OwnParts:
    """Parts that hang on the last item of each history: one tells a little of the item that follows, one is noise.

    Attributes:
        seen: the users that parts were asked for.
        longest: the histories, by user.
    """

    def __init__(self, version: Version) -> None:
        generator = torch.Generator().manual_seed(3)
        items = version.counts.items
        self.noise = torch.randn(items, items, generator=generator)
        near = -(torch.arange(items)[None, :] - torch.arange(items)[:, None] - 1).abs().float()
        self.near = 0.1 * near + 0.5 * torch.randn(items, items, generator=generator)
        self.seen: list[int] = []
        self.histories: dict[int, list[int]] = {}

    def __call__(self, histories: Sequence[History], users: Users | None) -> list[Tensor]:
        for user, history in zip(() if users is None else users, histories, strict=users is not None):
            self.seen.append(int(user))
            self.histories[int(user)] = history.tolist()
        last = [int(history[-1]) for history in histories]
        return [self.near[last], self.noise[last]]
