"""The form of a new run, made from a spec: its fields in groups, values as text, problems at their fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.fields import FieldDescription
from engine.methods import METHODS
from engine.presets import Preset
from engine.spec import RunSpec

_HIDDEN_GROUPS = ("filters",)
"""A version has its own filters already."""


@dataclass
class FormField:
    """One setting as the form shows it.

    Attributes:
        value: what is in the box now, as text.
        initial: what the preset has, as text.
        source: what the run has that is cloned, as text; None where none is.
        idle: why the setting changes nothing beside the others; empty if it has an effect.
    """

    description: FieldDescription
    value: str
    initial: str
    problems: list[str] = field(default_factory=list)
    source: str | None = None
    idle: str = ""

    @property
    def key(self) -> str:
        """The path as a part of ids in the page."""
        return self.description.path.replace(".", "-")

    @property
    def base(self) -> str:
        """What it has without any edit: the cloned run's value, else the preset's."""
        return self.initial if self.source is None else self.source

    @property
    def label(self) -> str:
        """``learning_rate`` -> ``Learning rate``."""
        return self.description.name.replace("_", " ").capitalize()

    @property
    def changed(self) -> bool:
        """Whether the value differs from the preset's."""
        return self.value != self.initial

    @property
    def options(self) -> list[str]:
        """What a choice may be, and a value that is not allowed, so that it is seen."""
        known = list(self.description.choices)
        return known if self.value in known else [*known, self.value]

    @property
    def limits(self) -> str:
        """The range in words: ``1 to 4,096``, ``more than 0``; empty where there is none."""
        known = self.description
        low = _limit("", known.minimum) or _limit("more than ", known.above)
        high = _limit("", known.maximum) or _limit("less than ", known.below)
        if low and high:
            return f"{low} to {high}" if known.above is None else f"{low}, up to {high}"
        if low:
            return low if known.above is not None else f"{low} or more"
        return high if known.below is not None or not high else f"{high} or less"

    @property
    def unit(self) -> str:
        """The unit, unless the name says it already."""
        return "" if self.description.unit == self.description.name else self.description.unit


@dataclass
class FormGroup:
    """Settings under one heading."""

    path: str
    title: str
    fields: list[FormField] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The path as a part of ids in the page."""
        return self.path.replace(".", "-") or "general"

    @property
    def wrong(self) -> int:
        """How many problems there are in it."""
        return len(self.problems) + sum(len(member.problems) for member in self.fields)

    @property
    def open(self) -> bool:
        """Whether it is shown unfolded: the method's own settings, the training's, and what was changed or is wrong."""
        busy = any(member.changed or member.problems for member in self.fields)
        return bool(self.path in ("method", "training") or self.problems or busy)


class SpecForm:
    """The settings of ``preset`` as a form.

    Args:
        values: posted values by dotted path, as text; None shows ``spec``.
        spec: the spec of the run that is cloned; None takes the preset's own.
        edits: some values by dotted path, as text, instead of those that would be shown.
    """

    def __init__(
        self,
        preset: Preset,
        values: Mapping[str, str] | None = None,
        spec: RunSpec | None = None,
        edits: Mapping[str, str] | None = None,
    ) -> None:
        self.preset = preset
        self.problems: list[str] = []
        self.groups: list[FormGroup] = []
        sources = None if spec is None else {member.path: text(member.default) for member in spec.fields()}
        shown = {**(sources or {}), **(edits or {})}
        self._fields: dict[str, FormField] = {}
        for description in preset.spec().fields():
            if description.group not in _HIDDEN_GROUPS:
                self._add(description, values, shown, sources)
        for path in edits or {}:
            if path not in self._fields:
                self.problems.append(f"{path}: {self.preset.method} has no such setting.")

    def settings(self) -> dict[str, Any]:
        """The values for ``Preset.spec``, numbers as numbers where they are."""
        return {path: _value(member) for path, member in self._fields.items()}

    def blame(self, problems: list[tuple[str, str]]) -> None:
        """Put each problem of a SpecError at its field, else at its group, else above the form."""
        for path, problem in problems:
            where, message = self._place(path, problem)
            where.append(message)

    @property
    def fields(self) -> list[FormField]:
        """All fields, in order."""
        return list(self._fields.values())

    @property
    def edits(self) -> dict[str, str]:
        """What differs from the cloned run, or else from the preset: all that a link to this form must say."""
        return {path: member.value for path, member in self._fields.items() if member.value != member.base}

    @property
    def wrong(self) -> list[FormField]:
        """Fields with problems."""
        return [member for member in self._fields.values() if member.problems]

    def _add(
        self,
        description: FieldDescription,
        values: Mapping[str, str] | None,
        shown: dict[str, str],
        sources: dict[str, str] | None,
    ) -> None:
        initial = text(description.default)
        if values is None:
            value = shown.get(description.path, initial)
        else:
            value = values.get(description.path, "false" if description.kind == "boolean" else "").strip()
        member = FormField(description, value, initial, source=None if sources is None else sources.get(description.path))
        self._fields[description.path] = member
        group = next((group for group in self.groups if group.path == description.group), None)
        if group is None:
            group = FormGroup(description.group, _title(description.group, self.preset.method))
            self.groups.append(group)
        group.fields.append(member)

    def _place(self, path: str, problem: str) -> tuple[list[str], str]:
        named, colon, rest = problem.partition(": ")
        candidates = [(path, problem)]
        if colon:
            candidates += [(f"{path}.{named}", rest), (f"method.{named}", rest)]
        for candidate, message in candidates:
            for known, member in self._fields.items():
                if candidate == known or candidate.startswith(f"{known}."):
                    return member.problems, message
        for group in self.groups:
            if group.path == path:
                return group.problems, problem
        return self.problems, f"{path}: {problem}" if path else problem


def text(value: Any) -> str:
    """A setting's value as it stands in a box: empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _value(member: FormField) -> Any:
    known, value = member.description, member.value
    if value == "" and known.optional:
        return None
    if known.kind == "boolean":
        return value == "true"
    for read in {"integer": (int,), "number": (float,)}.get(known.kind, ()):
        try:
            return read(value)
        except ValueError:
            return value
    return value


def _title(group: str, method: str) -> str:
    parts = group.split(".")
    if parts[0] == "method":
        parts[0] = METHODS.get(method).title
    return " · ".join(part if part[:1].isupper() else part.replace("_", " ").capitalize() for part in parts)


def _limit(words: str, value: float | None) -> str:
    return "" if value is None else f"{words}{value:,.12g}"
