"""What every method's code offers to the shared trainer, evaluator and recommender."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from engine.data.split import Split
from engine.data.version import Version
from engine.evaluation.evaluator import History, Score, Users
from engine.events import Report
from engine.methods.spec import MethodSpec
from engine.methods.vectors import VectorScore
from engine.result import LayerAdapter, MaskPart, Result
from engine.spec import RunSpec

S = TypeVar("S", bound=MethodSpec)


@dataclass(frozen=True)
class Context:
    """What a method is built from.

    Attributes:
        workdir: the run's folder; a method may keep files of its own below ``workdir/backbone``.
        check_stop: call it often in long work outside the trainer; it raises RunCancelled if the run was asked to stop.
    """

    spec: RunSpec
    version: Version
    split: Split
    device: torch.device
    workdir: Path
    report: Report
    check_stop: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share a peak learning rate."""

    parameters: list[nn.Parameter]
    learning_rate: float


@dataclass(frozen=True)
class StepLoss:
    """The loss of one batch (a scalar with a graph) and the number of supervised targets in it."""

    value: Tensor
    targets: int


@dataclass(frozen=True)
class Stage:
    """One stage of training, with early stopping of its own.

    Attributes:
        epoch: the batches of epoch 0, 1, ...; a pure function of seed and epoch, so that a resumed run sees the same.
        loss: the loss of one such batch.
        scorer: called once an evaluation, gives what validation ranks with during this stage.
        share: part of ``training.minutes`` that it may use, counted with what earlier stages left over.
        evaluate_start: evaluate before the first step too, so that the stage never ends worse than it began.
        recipe: stands for all that the stage's outcome depends on, its weights at the start included; a stage of an equal recipe
            that this machine trained before is taken over. None: always trained. For a method's first stage only.
    """

    name: str
    module: nn.Module
    groups: list[ParameterGroup]
    epoch: Callable[[int], "EpochBatches"]
    loss: Callable[[object], StepLoss]
    scorer: Callable[[], Score]
    share: float = 1.0
    evaluate_start: bool = False
    recipe: str | None = None


@dataclass(frozen=True)
class EpochBatches:
    """The batches of one epoch: ``count`` of them, made on demand from batch ``first`` on."""

    count: int
    make: Callable[[int], object]

    def starting_at(self, first: int) -> Iterator[object]:
        """Batches ``first``, ``first + 1``, ..."""
        return (self.make(index) for index in range(first, self.count))


class Method(ABC, Generic[S]):
    """A recommender: built from a context, trained through its stages, then asked for scores.

    A method that is not trained by gradients has no stages and learns in ``fit_counts``.
    """

    settings: S

    def __init__(self, context: Context) -> None:
        self.context = context
        self.settings = context.spec.method  # type: ignore[assignment]

    def stages(self) -> list[Stage]:
        """The stages of training, in order."""
        return []

    def fit_counts(self) -> None:
        """Learn what needs no gradients, over training rows only."""
        return

    def calibrate(self) -> None:
        """Fit, on validation, what is not trained by gradients of the training rows; called once, after the last stage."""
        return

    def adopt_calibration(self, state: dict[str, Tensor]) -> None:
        """Take over what ``calibrate`` fitted, from the saved state of a run of this spec: here is no validation to fit on."""
        return

    @abstractmethod
    def scorer(self) -> Score:
        """Compute what all histories share (item vectors, say), and give the function that scores; one for each evaluation."""

    @torch.no_grad()
    def score(self, histories: Sequence[History], users: Users | None = None) -> Tensor:
        """Scores of all items after each history (oldest item first, one item at least): `batch x items`."""
        return self.scorer()(histories, users)

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All that was learned, by name: what a checkpoint keeps. Frozen weights are left out."""

    @abstractmethod
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over what ``state`` gave; raises CheckpointError if a name or shape differs."""

    def export(self, folder: Path, result: Result) -> None:
        """Write further forms of the trained model for other tools (a PEFT adapter, say) into ``folder``.

        Args:
            result: for the card beside them.
        """
        return

    def vectors(self) -> VectorScore | None:
        """The score, or what part of it can be had so, as an inner product; None where there are no such vectors."""
        return None

    def trainable_parameters(self) -> int:
        """Number of parameters that training changes, each counted once over all stages."""
        unique = {id(p): p.numel() for stage in self.stages() for group in stage.groups for p in group.parameters}
        return sum(unique.values())

    def architecture(self) -> list[LayerAdapter]:
        """What each layer of the backbone really has; empty for methods without a backbone."""
        return []

    def mask_of(self, history: History) -> tuple[str, list[MaskPart]] | None:
        """Name and form of the attention mask over the tokens of ``history``; None for methods that read no tokens."""
        return None
