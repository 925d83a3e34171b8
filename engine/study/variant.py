"""Variants of a spec, and the study that runs them side by side over several seeds. No torch here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import SpecError, UserError
from engine.spec import RunSpec, override, parse_spec

_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_SHARED = ("filters", "split", "evaluation.seen", "evaluation.candidates")


@dataclass(frozen=True)
class Variant:
    """What differs from a base.

    Attributes:
        name: its label, also the name of a folder.
        sentence: what it shows, for people.
        settings: dotted settings on top of the base's; ``method`` as a whole exchanges the method.
    """

    name: str
    sentence: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def applied(self, base: RunSpec) -> RunSpec:
        """The variant's spec; raises SpecError, naming the variant, if the settings do not fit."""
        try:
            return parse_spec(override(base.model_dump(mode="json"), self.settings))
        except SpecError as error:
            raise SpecError([(f"{self.name}: {path}", problem) for path, problem in error.problems], error.hint) from error


@dataclass(frozen=True)
class Member:
    """One line of a study's table: a label, what it shows, and its spec, whose seed is replaced by the study's."""

    label: str
    sentence: str
    spec: RunSpec


@dataclass(frozen=True)
class StudyRun:
    """One run of a study; its folder is ``label/seed-N`` below the study's."""

    label: str
    seed: int
    spec: RunSpec

    @property
    def place(self) -> str:
        """The run's folder, relative to the study's."""
        return f"{self.label}/seed-{self.seed}"


@dataclass(frozen=True)
class Study:
    """Members x seeds, under one protocol. The first member is the base that all others are compared with.

    Raises:
        UserError: labels or seeds repeat or cannot be used, or the members' protocols differ.
    """

    members: tuple[Member, ...]
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        labels = [member.label for member in self.members]
        for label in labels:
            if not _LABEL.fullmatch(label):
                raise UserError(
                    f"The label {label!r} cannot name a folder.",
                    "Use small letters, digits, '.', '_' and '-', starting with one.",
                )
            if labels.count(label) > 1:
                raise UserError(f"The label {label!r} stands there twice.", "Give each variant a label of its own.")
        if not self.members:
            raise UserError("The study has no variants.", "Name at least one.")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise UserError(f"seeds: got {list(self.seeds)}, must be different whole numbers from 0 on.", "Write e.g. 0,1,2.")
        for member in self.members:
            if not member.spec.evaluation.test:
                raise UserError(f"{member.label}: evaluation.test is off.", "Turn it on: a study compares test figures.")
        for member in self.members[1:]:
            _check_same_protocol(self.base, member)

    @property
    def base(self) -> Member:
        """What all others are compared with."""
        return self.members[0]

    def runs(self) -> list[StudyRun]:
        """All runs, seed by seed, so that an unfinished study has something of every variant."""
        return [StudyRun(member.label, seed, with_seed(member.spec, seed)) for seed in self.seeds for member in self.members]


def with_seed(spec: RunSpec, seed: int) -> RunSpec:
    """The same spec with another seed."""
    return parse_spec(override(spec.model_dump(mode="json"), {"training.seed": seed}))


def _check_same_protocol(base: Member, member: Member) -> None:
    for path in _SHARED:
        one, other = _at(base.spec, path), _at(member.spec, path)
        if one != other:
            raise UserError(
                f"{member.label}: {path} is {other!r}, but {one!r} in {base.label}; their numbers could not stand side by side.",
                "Set it to the same value for all variants.",
            )


def _at(spec: RunSpec, path: str) -> Any:
    value: Any = spec
    for part in path.split("."):
        value = getattr(value, part)
    return value
