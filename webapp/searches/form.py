"""The form of a new search, made from its plan: what matters in front, the rest and the full training's settings folded."""

from collections.abc import Mapping
from typing import Any

from engine.adapters.kinds import ADAPTER_KINDS, TARGETS
from engine.fields import FieldDescription, describe_fields
from engine.search.plan import SearchPlan
from engine.search.presets import SearchPreset
from webapp.experiments.form import FormField, FormGroup, text
from webapp.searches import further
from webapp.searches.launching import MAX_AT_ONCE

AT_ONCE = "at_once"
_MAIN = (
    "trials",
    "space.kinds",
    "space.targets",
    "space.ranks",
    "space.groups",
    "space.budget",
    "run.training.minutes",
    "share",
    AT_ONCE,
    "optimiser",
    "objectives",
)
_LABELS = {
    "space.kinds": "Kinds of adapter",
    "space.targets": "Targets",
    "space.groups": "Layers tied",
    "space.further": "Settings searched too",
    "run.training.minutes": "Minutes of a full training",
    "share": "Share of a trial",
    AT_ONCE: "Trials at once",
    "seed": "Seed of the proposals",
    "start": "Spread-out trials",
    "stopping": "Ending trials early",
    "final_seeds": "Seeds of the final comparison",
}
_HELP = {
    "run.training.minutes": "how long the winner and its rival are trained in the end; trials get a share of it",
    "share": "part of a full training's joint stage that a trial gets; the CF model's own stage is trained once for all",
}
HIDDEN = ("run.preset", "run.method.architecture", "run.training.stop_below", "run.evaluation.test")
"""A label, and what the search itself sets."""
_HIDDEN_GROUPS = ("run.filters",)
_TICKED = {"space.kinds": tuple(ADAPTER_KINDS.names()), "space.targets": TARGETS}
_AT_ONCE = FieldDescription(
    path=AT_ONCE,
    group="",
    name=AT_ONCE,
    kind="integer",
    description="trials that wait or run at the same time; one more than there are gpu workers hides the time of suggestions",
    unit="",
    default=2,
    optional=False,
    minimum=1,
    maximum=MAX_AT_ONCE,
)


class PlanField(FormField):
    """One setting of a search."""

    @property
    def label(self) -> str:
        """``space.kinds`` -> ``Kinds of adapter``."""
        return _LABELS.get(self.description.path, super().label)

    @property
    def help(self) -> str:
        """A line of help."""
        return _HELP.get(self.description.path, self.description.description)

    @property
    def ticks(self) -> list[dict[str, Any]]:
        """Boxes to tick, where the setting is a list of few known words: ``name``, ``title``, ``on``."""
        chosen = _words(self.value)
        titles = {entry.name: f"{entry.title}: {entry.sentence}" for entry in ADAPTER_KINDS}
        return [
            {"name": name, "title": titles.get(name, name), "on": name in chosen}
            for name in _TICKED.get(self.description.path, ())
        ]

    @property
    def long(self) -> bool:
        """Whether it takes several lines."""
        return self.description.path == further.PATH


class PlanForm:
    """The settings of ``preset`` as a form.

    Args:
        values: posted values by dotted path, as text; None shows the preset's own.
        edits: some values by dotted path, as text, instead of the preset's own; those that no field holds are left out.
    """

    def __init__(
        self, preset: SearchPreset, values: Mapping[str, str] | None = None, edits: Mapping[str, str] | None = None
    ) -> None:
        self.preset = preset
        self.problems: list[str] = []
        plan = preset.plan()
        known = {member.path: member for member in (*describe_fields(plan), _AT_ONCE)}
        self._fields: dict[str, PlanField] = {}
        for path, description in known.items():
            if path not in HIDDEN and description.group not in _HIDDEN_GROUPS:
                initial = further.write(plan.space.further) if path == further.PATH else text(description.default)
                value = (edits or {}).get(path, initial) if values is None else _posted(values, description)
                self._fields[path] = PlanField(description, value, initial)
        self.main = [self._fields[path] for path in _MAIN]
        groups = self._rest()
        self.own = [group for group in groups if not group.path]
        self.full = [group for group in groups if group.path]

    def settings(self) -> dict[str, Any]:
        """The values for ``SearchPreset.plan``; raises SpecError for lines of further settings that cannot be read."""
        return {path: _value(member) for path, member in self._fields.items() if path != AT_ONCE}

    def plan(self) -> SearchPlan:
        """The plan as the form has it; raises SpecError."""
        return self.preset.plan(self.settings())

    @property
    def full_open(self) -> bool:
        """Whether a setting of the full training is changed or wrong: then they are shown unfolded."""
        return any(group.open for group in self.full)

    @property
    def at_once(self) -> int:
        """Trials at once; 0 for text that is no whole number."""
        value = self._fields[AT_ONCE].value
        return int(value) if value.isdecimal() and len(value) < 10 else 0

    def blame(self, problems: list[tuple[str, str]]) -> None:
        """Put each problem of a SpecError at its field, else above the form; several of one field become one."""
        for path, problem in problems:
            where, message = self._place(path, problem)
            if path.startswith("space.groups."):
                message = f"got {self._fields['space.groups'].value!r}, must be free, a number, or numbers with commas"
            if message not in where:
                where.append(message)

    def _rest(self) -> list[FormGroup]:
        groups: dict[str, FormGroup] = {}
        for path, member in self._fields.items():
            if path in _MAIN:
                continue
            name = member.description.group if path.startswith("run.") else ""
            groups.setdefault(name, FormGroup(name, _title(name))).fields.append(member)
        return list(groups.values())

    def _place(self, path: str, problem: str) -> tuple[list[str], str]:
        if path in self._fields:
            return self._fields[path].problems, problem
        named, colon, rest = problem.partition(": ")
        # A check of several fields is reported at their group, and names the field first.
        inner = named.removeprefix("space.further ") if named.startswith("space.further ") else ""
        candidates = [(further.PATH, rest)] if inner else []
        candidates += [(f"{path}.{named}" if path else named, rest), (f"run.method.{named}", rest)] if colon else []
        candidates.append((path, problem))
        for candidate, message in candidates:
            for known, member in self._fields.items():
                if candidate == known or candidate.startswith(f"{known}."):
                    return member.problems, message
        return self.problems, f"{path}: {problem}" if path else problem


def _posted(values: Mapping[str, str], description: FieldDescription) -> str:
    return values.get(description.path, "false" if description.kind == "boolean" else "").replace("\r\n", "\n").strip()


def _value(member: FormField) -> Any:
    known, value = member.description, member.value
    if known.path == further.PATH:
        return further.read(value)
    if known.path == "space.groups":
        numbers = _words(value)
        return value if value == "free" else _number(value, int) if len(numbers) < 2 else [_number(one, int) for one in numbers]
    if known.path in _TICKED:
        return _words(value)
    if known.path == "space.ranks":
        return [_number(word, int) for word in _words(value)]
    if value == "" and known.optional:
        return None
    if known.kind == "boolean":
        return value == "true"
    return _number(value, int) if known.kind == "integer" else _number(value, float) if known.kind == "number" else value


def _number(value: str, kind: type[int] | type[float]) -> Any:
    """The number, or the text as it is: the plan says what is wrong with it."""
    try:
        return kind(value)
    except ValueError:
        return value


def _words(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _title(group: str) -> str:
    if not group:
        return "More of the search"
    parts = [part.replace("_", " ").capitalize() for part in group.removeprefix("run.").split(".")]
    return " · ".join(parts)
