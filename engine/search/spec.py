"""Settings of a search over layer-wise adapter architectures. No torch here: forms and REST load it."""

import re
from typing import Literal, TypeVar

from pydantic import field_validator, model_validator

from engine.adapters.kinds import ADAPTER_KINDS
from engine.errors import UserError
from engine.fields import Spec, setting

T = TypeVar("T")
FieldValue = bool | int | float | str
_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


def _different(name: str, values: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(values)) != len(values):
        raise ValueError(f"got {name} {values}, must all differ")
    return values


def ranks_of(kind: str, ranks: tuple[int, ...]) -> tuple[int, ...]:
    """Those of ``ranks`` that adapters of ``kind`` may have; a kind without a rank has its one value, whatever ``ranks`` are."""
    known = ADAPTER_KINDS.get(kind)
    if not known.has_rank:
        return (known.lowest_rank,)
    return tuple(rank for rank in ranks if known.lowest_rank <= rank <= known.highest_rank)


def targets_of(kind: str, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``targets`` that adapters of ``kind`` may be put on."""
    return tuple(target for target in targets if target in ADAPTER_KINDS.get(kind).targets)


class FurtherField(Spec):
    """A training setting that is searched beside the architecture: a range (``low``, ``high``) or a list of ``choices``."""

    path: str = setting("training.learning_rate", "dotted path of the setting in the run's spec")
    low: float | None = setting(None, "smallest value of a range")
    high: float | None = setting(None, "largest value of a range")
    log: bool = setting(False, "steps of equal ratio instead of equal difference")
    levels: int = setting(17, "values tried in a range, both ends included", ge=2, le=257)
    choices: tuple[FieldValue, ...] = setting((), "values tried, instead of a range")
    start: FieldValue | None = setting(None, "value of the hand-made first trials; default: the middle, or the first choice")

    @field_validator("path")
    @classmethod
    def _dotted(cls, value: str) -> str:
        if not _PATH.fullmatch(value):
            raise ValueError(f"got {value!r}, must be a dotted path such as 'training.learning_rate'")
        return value

    @model_validator(mode="after")
    def _range_or_choices(self) -> "FurtherField":
        if self.choices:
            if self.low is not None or self.high is not None or self.log:
                raise ValueError(f"{self.path}: got choices and a range, must be one of them")
            if len(set(map(repr, self.choices))) != len(self.choices):
                raise ValueError(f"{self.path}: got a choice twice in {self.choices}, must all differ")
            if self.start is not None and self.start not in self.choices:
                raise ValueError(f"{self.path}: got start {self.start!r}, must be one of {self.choices}")
            return self
        if self.low is None or self.high is None:
            raise ValueError(f"{self.path}: must have low and high, or choices")
        if not self.low < self.high:
            raise ValueError(f"{self.path}: got low {self.low} and high {self.high}, low must be the smaller")
        if self.log and self.low <= 0:
            raise ValueError(f"{self.path}: got low {self.low} with log, must be above 0")
        if self.start is not None and (isinstance(self.start, str | bool) or not self.low <= float(self.start) <= self.high):
            raise ValueError(f"{self.path}: got start {self.start!r}, must be between {self.low} and {self.high}")
        return self


class SpaceSpec(Spec):
    """What may be placed in each layer, how layers are tied, and what it may cost."""

    kinds: tuple[str, ...] = setting(("none", "lora"), "kinds of adapter; with 'none' among them a layer may stay bare")
    targets: tuple[Literal["attention", "mlp", "both"], ...] = setting(
        ("attention", "mlp", "both"), "which linear maps of a layer may be adapted"
    )
    ranks: tuple[int, ...] = setting((2, 4, 8, 16), "ranks that may be used")
    groups: Literal["free"] | int | tuple[int, ...] = setting(
        "free",
        "layers that share one choice: free (none), a number of equal runs of neighbours, or a group number for each layer",
    )
    budget: int = setting(0, "most trainable adapter parameters of an architecture; 0: no limit", "parameters", ge=0, le=2**53)
    further: tuple[FurtherField, ...] = setting((), "training settings that are searched too")

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for kind in value:
            try:
                ADAPTER_KINDS.get(kind)
            except UserError as error:
                raise ValueError(str(error)) from error
        if not set(value) - {"none"}:
            raise ValueError(f"got {value}, must hold a kind of adapter other than 'none'")
        return _different("kinds", value)

    @field_validator("targets")
    @classmethod
    def _some_target(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("got no target, must be one or more of attention, mlp, both")
        return _different("targets", value)

    @field_validator("ranks")
    @classmethod
    def _positive_ranks(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value:
            raise ValueError("got no rank, must be one or more")
        if min(value) < 1 or max(value) > 1024:
            raise ValueError(f"got ranks {value}, must be 1 to 1024; a bare layer is kind 'none', not rank 0")
        return tuple(sorted(_different("ranks", value)))

    @field_validator("groups")
    @classmethod
    def _sensible_groups(cls, value: Literal["free"] | int | tuple[int, ...]) -> Literal["free"] | int | tuple[int, ...]:
        if isinstance(value, int) and value < 1:
            raise ValueError(f"got {value} groups, must be 1 or more")
        if isinstance(value, tuple) and sorted(set(value)) != list(range(len(set(value)))):
            raise ValueError(f"got groups {value}, must be numbers from 0 on without a gap, one for each layer")
        return value

    @field_validator("further")
    @classmethod
    def _different_paths(cls, value: tuple[FurtherField, ...]) -> tuple[FurtherField, ...]:
        _different("further", tuple(field.path for field in value))
        return value

    @model_validator(mode="after")
    def _each_kind_has_options(self) -> "SpaceSpec":
        for kind in self.kinds:
            if kind == "none":
                continue
            if not ranks_of(kind, self.ranks):
                known = ADAPTER_KINDS.get(kind)
                raise ValueError(f"ranks: got {self.ranks}, {kind} takes {known.lowest_rank} to {known.highest_rank}")
            if not targets_of(kind, self.targets):
                raise ValueError(f"targets: got {self.targets}, {kind} takes {', '.join(ADAPTER_KINDS.get(kind).targets)}")
        return self


class SearchSpec(Spec):
    """A whole search: its space, how many trials, and who proposes them."""

    space: SpaceSpec = setting(SpaceSpec(), "what is searched")
    trials: int = setting(30, "trials in all, the first ones included", ge=1, le=10_000)
    optimiser: Literal["botorch", "tpe", "random"] = setting(
        "botorch", "who proposes: a Gaussian process over layers (botorch), Optuna's TPE, or chance"
    )
    objectives: Literal["one", "two"] = setting("one", "NDCG@10 alone, or NDCG@10 against trainable parameters")
    start: int = setting(4, "spread-out (Sobol) trials after the hand-made ones, before the model proposes", ge=0, le=1000)
    seed: int = setting(0, "chance of the proposals", ge=0, le=2**31 - 1)
