"""What a search is made of: candidates, the trials that evaluate them, and proposals. No torch here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.adapters.choice import LayerChoice
from engine.search.spec import FieldValue

TrialState = Literal["proposed", "running", "done", "failed"]
BARE = LayerChoice(kind="none", target="both", rank=0)


@dataclass(frozen=True)
class Candidate:
    """An architecture with the further settings it is trained with, in canonical form.

    A bare layer has one form only (its target says nothing), and fields are sorted by path: equal things compare and hash equal.

    Attributes:
        architecture: one choice for each layer, the lowest first.
        fields: pairs of a setting's dotted path and its value, sorted by path; a mapping is accepted too.
    """

    architecture: tuple[LayerChoice, ...]
    fields: tuple[tuple[str, FieldValue], ...] = ()

    def __post_init__(self) -> None:
        choices = (BARE if choice.kind == "none" else choice for choice in self.architecture)
        pairs = self.fields.items() if isinstance(self.fields, Mapping) else self.fields
        object.__setattr__(self, "architecture", tuple(choices))
        object.__setattr__(self, "fields", tuple(sorted((str(path), value) for path, value in pairs)))

    @property
    def settings(self) -> dict[str, FieldValue]:
        """The further settings as a mapping from path to value."""
        return dict(self.fields)

    def to_json(self) -> dict[str, Any]:
        """The candidate as folders and tables keep it; ``from_json`` reads it back."""
        return {"architecture": [str(choice) for choice in self.architecture], "fields": self.settings}

    @classmethod
    def from_json(cls, about: Mapping[str, Any]) -> "Candidate":
        """What ``to_json`` wrote; other keys are left aside."""
        return cls(tuple(LayerChoice.model_validate(text) for text in about["architecture"]), tuple(about["fields"].items()))

    def __str__(self) -> str:
        layers = " ".join(str(choice) for choice in self.architecture)
        return " ".join([layers, *(f"{path}={value}" for path, value in self.fields)])


@dataclass(frozen=True)
class Trial:
    """One row of a search.

    Attributes:
        number: 0, 1, 2... in order of proposal.
        state: ``proposed -> running -> done | failed``; a point is pending until it is done or failed.
        value: validation NDCG@10, larger is better; None unless done.
        error: standard error of ``value`` as a repetition of the trial would show it, or None if it is not known.
        parameters: trainable adapter parameters.
        fidelity: share of a whole trial that was trained when ``value`` was measured, above 0, at most 1.
        origin: who proposed it: ``uniform lora/both/8``, ``sobol``, ``model``...
    """

    number: int
    candidate: Candidate
    state: TrialState
    value: float | None = None
    error: float | None = None
    parameters: int = 0
    fidelity: float = 1.0
    origin: str = ""

    def __post_init__(self) -> None:
        if (self.state == "done") != (self.value is not None):
            raise ValueError(f"trial {self.number}: got state {self.state!r} with value {self.value}, must have one only if done")
        if not 0 < self.fidelity <= 1:
            raise ValueError(f"trial {self.number}: got fidelity {self.fidelity}, must be above 0, at most 1")


@dataclass(frozen=True)
class Proposal:
    """A point to try next.

    Attributes:
        candidate: what to train.
        origin: who proposed it, to be kept with the trial.
        mean, sd: what the model expects of a full training, in units of the objective; None where no model was asked.
        acquisition: the value that won: log of the expected (hypervolume) improvement, in the model's units; None likewise.
        warning: why the model was not asked although its turn had come; empty if all is well.
    """

    candidate: Candidate
    origin: str
    mean: float | None = None
    sd: float | None = None
    acquisition: float | None = None
    warning: str = field(default="")


LEAST_FIDELITY = 0.05
_UNKNOWN_SHARE = 0.5
"""Of trials that were ended early by a release that did not note how far they were."""


def trial_value(valid: Mapping[str, float], stopped_below: bool, curve_at: Sequence[float]) -> tuple[float, float]:
    """Validation NDCG@10 of a trial, and its fidelity: 1 for a whole trial, else the share of it that was trained.

    Args:
        valid: validation metrics of its run; ``stopped_below``: whether the run was ended early.
        curve_at: how far it was at each evaluation, see ``Result.curve_at``.
    """
    if not stopped_below:
        return valid["ndcg@10"], 1.0
    share = curve_at[-1] if curve_at else _UNKNOWN_SHARE
    return valid["ndcg@10"], max(min(share, 0.99), LEAST_FIDELITY)
