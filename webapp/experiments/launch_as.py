"""As what the new-run page launches: one run, one spec over seeds, methods x versions, or an ablation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from engine.errors import SpecError, UserError
from engine.presets import Preset, presets
from engine.spec import RunSpec
from engine.study.ablations import ablation_study, ablations_of, has_ablations
from engine.study.variant import Member, Study
from webapp.datasets.models import Version
from webapp.experiments.actions import MAX_GROUP_RUNS, check_amount
from webapp.experiments.choosing import Choice
from webapp.experiments.models import GroupKind
from webapp.experiments.seeds import MAX_SEEDS, read_seeds

ONE = "one"
_SHARED = ("split.", "evaluation.")
_SHARED_TRAINING = ("training.minutes", "training.clock", "training.threads", "training.device")
"""What a grid takes from the form for every method: the protocol must be the same, and the time is only fair if it is."""
_LONGEST_NAME = 120
_NAMES = {
    ONE: "",
    GroupKind.SEEDS: "Over seeds",
    GroupKind.GRID: "Methods \N{MULTIPLICATION SIGN} versions",
    GroupKind.ABLATION: "Ablation",
}


@dataclass
class LaunchAs:
    """What is asked for.

    Attributes:
        kind: ``one``, or a GroupKind.
        seeds: as text.
        presets, variants: names that are ticked; versions: ids. The form's own preset and version count as ticked.
        acknowledged: ids of versions whose leaks are known.
        problems: what is wrong, for people.
    """

    kind: str = ONE
    name: str = ""
    seeds: str = "0,1,2"
    presets: Sequence[str] = ()
    versions: Sequence[int] = ()
    variants: Sequence[str] = ()
    acknowledged: frozenset[int] = frozenset()
    problems: list[str] = field(default_factory=list)

    @staticmethod
    def read(query: QueryDict, choice: Choice) -> "LaunchAs":
        """From what a browser sends, or from an address; what is not there keeps its default."""
        kind = str(query.get("launch_as", ONE))
        known = _numbers(query.getlist("acknowledge"))
        if choice.version and "acknowledge_leakage" in query:
            known.append(choice.version.pk)
        return LaunchAs(
            kind=kind if kind in _NAMES else ONE,
            name=str(query.get("group_name", "")).strip(),
            seeds=str(query.get("seeds", "0,1,2")),
            presets=[str(name) for name in query.getlist("also_preset")],
            versions=_numbers(query.getlist("also_version")),
            variants=[str(name) for name in query.getlist("variants")],
            acknowledged=frozenset(known),
        )

    def studies(
        self, choice: Choice, version: Version, spec: RunSpec, versions: Sequence[Version]
    ) -> list[tuple[Version, Study]]:
        """What to run on which version; raises UserError for what cannot be launched so.

        Args:
            versions: those of the project that are ready.
        """
        seeds = read_seeds(self.seeds)
        if len(self.name) > _LONGEST_NAME:
            raise UserError(f"The name has {len(self.name)} characters, must have {_LONGEST_NAME} or fewer.")
        if self.kind == GroupKind.SEEDS:
            return [(version, Study((Member(choice.preset.name, "as set on the form", spec),), seeds))]
        if self.kind == GroupKind.ABLATION:
            if not self.variants:
                raise UserError("Choose at least one variant beside the base.")
            return [(version, ablation_study(spec, seeds, list(self.variants)))]
        chosen = {one.pk: one for one in versions}
        unknown = [pk for pk in self.versions if pk not in chosen]
        if unknown:
            raise UserError("One of the versions is not ready any more, or not of this project.", "Choose among those shown.")
        on = [version, *(chosen[pk] for pk in dict.fromkeys(self.versions) if pk != version.pk)]
        members = self._members(choice, spec)
        check_amount(len(on) * len(members) * len(seeds))
        return [(one, Study(members, seeds)) for one in on]

    def amount(self, choice: Choice, spec: RunSpec | None, versions: Sequence[Version]) -> int:
        """How many runs that makes; 0, with the reason among the problems, if it cannot be launched."""
        if self.kind == ONE or spec is None or choice.version is None:
            return 1
        try:
            studies = self.studies(choice, choice.version, spec, versions)
            runs = sum(len(study.members) * len(study.seeds) for _, study in studies)
            check_amount(runs)
        except UserError as error:
            self.problems.append(str(error))
            return 0
        return runs

    def title(self, choice: Choice) -> str:
        """The group's name."""
        return self.name or f"{_NAMES[self.kind]}: {choice.preset.name}"

    def _members(self, choice: Choice, spec: RunSpec) -> tuple[Member, ...]:
        members = [Member(choice.preset.name, f"{choice.preset.sentence} As set on the form.", spec)]
        shared = _shared(spec)
        for name in dict.fromkeys(self.presets):
            if name == choice.preset.name:
                continue
            preset = presets().get(name)
            try:
                members.append(Member(name, preset.sentence, preset.spec(shared)))
            except SpecError as error:
                raise UserError(f"{name} cannot be run so. {error}") from error
        return tuple(members)


def _shared(spec: RunSpec) -> dict[str, Any]:
    """The settings that every member of a grid takes over from the form."""
    values: dict[str, Any] = {}
    plain = spec.model_dump(mode="json")
    for group in _SHARED:
        values |= {f"{group}{name}": value for name, value in plain[group.rstrip(".")].items()}
    return values | {path: plain["training"][path.partition(".")[2]] for path in _SHARED_TRAINING}


def options(asked: LaunchAs, choice: Choice, spec: RunSpec | None, versions: Sequence[Version]) -> dict[str, Any]:
    """What the page offers: kinds, presets, versions with their serious leaks, and variants of the method."""
    others = [one for one in versions if choice.version is None or one.pk != choice.version.pk]
    leaks = serious_of(others) if others else {}
    variants = []
    if spec is not None and has_ablations(spec.method.id):
        variants = ablations_of(spec)[1:]
    fresh = not asked.variants
    return {
        "asked": asked,
        "kinds": [
            {"value": ONE, "words": "one run"},
            {"value": "seeds", "words": "over seeds"},
            {"value": "grid", "words": "methods \N{MULTIPLICATION SIGN} versions"},
            *([{"value": "ablation", "words": "ablation"}] if has_ablations(choice.preset.method) else []),
        ],
        "presets": [
            {"name": preset.name, "sentence": preset.sentence, "on": preset.name in asked.presets} for preset in _others(choice)
        ],
        "versions": [
            {
                "pk": one.pk,
                "name": str(one),
                "on": one.pk in asked.versions,
                "leaks": leaks.get(one.pk, []),
                "known": one.pk in asked.acknowledged,
            }
            for one in others
        ],
        "variants": [{"name": one.name, "sentence": one.sentence, "on": fresh or one.name in asked.variants} for one in variants],
        "most_seeds": MAX_SEEDS,
        "most_runs": MAX_GROUP_RUNS,
    }


def serious_of(versions: Sequence[Version]) -> dict[int, list[str]]:
    """Titles of serious findings by version, for those that have any: one query, whose rows are few."""
    has = {"leakage__findings__contains": [{"severity": "serious"}]}
    found = Version.objects.filter(pk__in=[one.pk for one in versions], **has).values_list("pk", "leakage")
    return {pk: [one["title"] for one in report["findings"] if one["severity"] == "serious"] for pk, report in found}


def _others(choice: Choice) -> list[Preset]:
    return [preset for preset in presets() if preset.name != choice.preset.name]


def _numbers(texts: Sequence[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19]
