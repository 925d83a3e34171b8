"""Presets: named starting points of specs, one YAML file each in this folder. No torch here."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engine.registry import Registry
from engine.spec import RunSpec, override, parse_spec


@dataclass(frozen=True)
class Preset:
    """A named set of settings.

    Attributes:
        sentence: what it is for, in one sentence.
        values: the settings that differ from the defaults, as a spec's dictionary.
    """

    name: str
    sentence: str
    values: dict[str, Any]

    @property
    def method(self) -> str:
        """Id of the method that it sets up."""
        return str(self.values["method"]["id"])

    def spec(self, settings: dict[str, Any] | None = None) -> RunSpec:
        """The validated spec, with dotted ``settings`` on top; raises SpecError."""
        return parse_spec(override({**self.values, "preset": self.name}, settings or {}))


@cache
def presets() -> Registry[Preset]:
    """All presets, by file name."""
    registry: Registry[Preset] = Registry("preset")
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        registry.register(path.stem, Preset(path.stem, values.pop("sentence"), values))
    return registry


def get_preset(name: str) -> Preset:
    """The preset called ``name``; raises UserError that lists those that exist."""
    return presets().get(name)
