"""Reading a study from a YAML or JSON file. No torch here.

    seeds: [0, 1, 2]
    base: darec
    set: {training.minutes: 10}
    variants:
      - {label: darec, preset: darec-nano}
      - {label: sasrec, preset: sasrec, sentence: the baseline to beat}
      - {label: causal, set: {method.mask: causal}}
      - {label: ours, spec: ours.yaml}

A variant starts from a preset, from a spec (a file beside this one, or a mapping), or, with neither, from the base. Its own
``set`` comes on top, then the study's.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from engine.errors import SpecError, UserError
from engine.fields import Spec, setting
from engine.plain_yaml import read_yaml
from engine.presets import get_preset
from engine.spec import override, parse_spec, validate
from engine.study.variant import Member, Study


class _VariantEntry(Spec):
    label: str = Field(description="name of the line and of the folder")
    sentence: str = setting("", "what it shows")
    preset: str | None = setting(None, "name of the preset that it starts from")
    spec: str | dict[str, Any] | None = setting(None, "spec that it starts from: a file, or the settings themselves")
    settings: dict[str, Any] = Field(default_factory=dict, alias="set", description="dotted settings on top")


class _StudyFile(Spec):
    variants: tuple[_VariantEntry, ...] = Field(description="the lines of the table", min_length=1)
    base: str | None = setting(None, "label that the others are compared with; empty takes the first")
    seeds: tuple[int, ...] = setting((0, 1, 2), "each variant is trained once with each")
    settings: dict[str, Any] = Field(default_factory=dict, alias="set", description="dotted settings on top of every variant")


def read_study(path: Path, settings: dict[str, Any] | None = None) -> Study:
    """The study in the file at ``path``, with dotted ``settings`` on top of all; raises UserError for what cannot be used."""
    values = read_mapping(path)
    content = validate(_StudyFile, values)
    over = {**content.settings, **(settings or {})}
    label = content.base or content.variants[0].label
    base = next((entry for entry in content.variants if entry.label == label), None)
    if base is None:
        known = ", ".join(entry.label for entry in content.variants)
        raise UserError(f"{path}: base: there is no variant {label!r}.", f"Variants: {known}.")
    ordered = [base, *(entry for entry in content.variants if entry is not base)]
    base_values = _values(path, base, None)
    members = [_member(entry, _values(path, entry, base_values), over) for entry in ordered]
    return Study(tuple(members), content.seeds)


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML or JSON file; raises UserError if it is none."""
    try:
        values = read_yaml(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read ({error}).", "It must be a YAML or JSON file.") from error
    if not isinstance(values, dict):
        raise UserError(f"{path}: holds no settings.", "It must be a mapping.")
    return values


def _values(path: Path, entry: _VariantEntry, base: dict[str, Any] | None) -> dict[str, Any]:
    """The settings of a variant, its own ``set`` included."""
    if entry.preset is not None and entry.spec is not None:
        raise UserError(f"{path}: {entry.label} has a preset and a spec.", "Name one of them.")
    if entry.preset is not None:
        start: dict[str, Any] = {**get_preset(entry.preset).values, "preset": entry.preset}
    elif isinstance(entry.spec, str):
        start = read_mapping(path.parent / entry.spec)
    elif entry.spec is not None:
        start = entry.spec
    elif base is not None:
        start = base
    else:
        raise UserError(f"{path}: the base {entry.label} has neither a preset nor a spec.", "Name one, e.g. preset: sasrec.")
    return override(start, entry.settings)


def _member(entry: _VariantEntry, values: dict[str, Any], over: dict[str, Any]) -> Member:
    try:
        return Member(entry.label, entry.sentence, parse_spec(override(values, over)))
    except SpecError as error:
        raise SpecError([(f"{entry.label}: {path}", problem) for path, problem in error.problems], error.hint) from error
