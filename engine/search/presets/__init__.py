"""Presets of searches: named starting points, one YAML file each in this folder. No torch here."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engine.presets import get_preset
from engine.registry import Registry
from engine.search.plan import SearchPlan
from engine.spec import override, validate


@dataclass(frozen=True)
class SearchPreset:
    """A named search.

    Attributes:
        sentence: what it is for, in one sentence.
        preset: the run preset that the full training starts from; ``run``: dotted settings on top of it.
        search: what differs from the defaults of a search.
    """

    name: str
    sentence: str
    preset: str
    run: dict[str, Any]
    search: dict[str, Any]

    def plan(self, settings: dict[str, Any] | None = None) -> SearchPlan:
        """The validated plan, with dotted ``settings`` on top (``trials``, ``space.ranks``, ``run.training.minutes``...).

        Raises SpecError.
        """
        run = get_preset(self.preset).spec(self.run).model_dump(mode="json")
        return validate(SearchPlan, override({**self.search, "run": run}, settings or {}))


@cache
def search_presets() -> Registry[SearchPreset]:
    """All presets of searches, by file name."""
    registry: Registry[SearchPreset] = Registry("search preset")
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        registry.register(path.stem, SearchPreset(path.stem, **yaml.safe_load(path.read_text(encoding="utf-8"))))
    return registry
