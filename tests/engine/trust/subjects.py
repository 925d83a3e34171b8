"""What the tests of this folder ask: every registered method, every variant of it, and every preset, small.

The table is made from the register, the presets and the choices that the specs' own types name, so that nothing new is forgotten.
"""

import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any, get_args

from engine.collaborative.spec import SoftmaxSpec, UsersSpec
from engine.methods import METHODS
from engine.methods.darec.spec import DarecSpec, InjectionSpec
from engine.methods.ensemble_spec import EnsembleSpec
from engine.presets import get_preset, presets
from engine.spec import RunSpec
from tests.engine.methods.runs import COMMON, SMALL, small_spec

Settings = dict[str, Any]
Subject = Callable[[Settings], RunSpec]
"""From further settings to a small spec."""

BLENDED: Settings = {"method.blend.fit": True, "method.blend.users": 60}
SMALL_INJECTIONS: Settings = {
    "method.injection.gru4rec.window": 10,
    "method.injection.gru4rec.dimensions": 32,
    "method.injection.gru4rec.hidden": 32,
    "method.injection.lightgcn.dimensions": 32,
    "method.injection.lightgcn.layers": 2,
    "method.injection.bpr_mf.dimensions": 32,
}
DAREC: dict[str, Settings] = {
    "blend": BLENDED,
    "blend-text-match": {**BLENDED, "method.text_match": 2.0, "method.text.components": 8},
    "tasks": {"method.tasks.next_title": 0.5, "method.tasks.item_grounding": 0.5, "method.injection.beta": 0.5},
    "frozen-cf": {"method.injection.joint": False},
    "jointly-from-the-start": {"method.injection.share_of_time": 0},
    "ids": {"method.text.content": "ids"},
    "random-backbone": {"method.random_backbone": True},
    "bare": {"method.architecture": "none"},
}
"""Further ways to put DARec together; injections and masks come from its spec."""


def choices(spec: type, name: str) -> tuple[Any, ...]:
    """The values that a field's type names."""
    found: tuple[Any, ...] = get_args(spec.model_fields[name].annotation)  # type: ignore[attr-defined]
    assert found, f"{spec.__name__}.{name} names no values"
    return found


@cache
def subjects() -> dict[str, Subject]:
    """Every subject by name; that of a method as its preset for small tests has it is called as the method."""
    table: dict[str, Settings] = {}
    for entry in METHODS:
        table[entry.id] = {}
        if issubclass(entry.spec, EnsembleSpec):
            table[f"{entry.id} members"] = {"method.members": 2}
            table[f"{entry.id} members blend"] = {"method.members": 2, **BLENDED}
        for kind in choices(entry.spec, "softmax") if issubclass(entry.spec, SoftmaxSpec) else ():
            table[f"{entry.id} {kind}"] = {"method.softmax": kind, "method.samples": 8, "method.chunk": 16}
        if issubclass(entry.spec, UsersSpec):
            table[f"{entry.id} vector"] = {"method.users": "vector"}
    for loss in choices(METHODS.get("sasrec").spec, "loss"):
        table[f"sasrec {loss}"] = {"method.loss": loss}
    for kind in choices(InjectionSpec, "kind"):
        table[f"darec {kind}"] = {**SMALL_INJECTIONS, "method.injection.kind": kind}
    for mask in choices(DarecSpec, "mask"):
        table[f"darec {mask}"] = {"method.mask": mask}
    table |= {f"darec {name}": settings for name, settings in DAREC.items()}
    found: dict[str, Subject] = {name: partial(_small, name.partition(" ")[0], settings) for name, settings in table.items()}
    found |= {f"preset {name}": partial(_preset, name) for name in presets().names()}
    return found


def spec_of(subject: str, settings: Settings | None = None) -> RunSpec:
    """The small spec of a subject."""
    return subjects()[subject](settings or {})


def has_chance(spec: RunSpec) -> bool:
    """Whether the seed enters: everything that is trained by gradients."""
    return spec.method.id not in ("popularity", "markov", "item-knn")


def _small(method: str, base: Settings, settings: Settings) -> RunSpec:
    return small_spec(method, {**base, **settings})


def _preset(name: str, settings: Settings) -> RunSpec:
    """A preset with all that it decides but size: of the small settings those that say how large something is."""
    preset = get_preset(name)
    sizes = {path: value for path, value in SMALL[preset.method].items() if path.rpartition(".")[2] in _SIZES}
    if preset.values["method"].get("backbone", "nano") != "nano":
        sizes |= {"method.backbone": "nano", "method.nano.layers": len(preset.values["method"]["architecture"])}
    return preset.spec({**COMMON, **sizes, **settings})


_SIZES = {
    "window",
    "dimensions",
    "hidden",
    "blocks",
    "heads",
    "layers",
    "vocabulary",
    "warmup_steps",
    "max_item_tokens",
}

ONE_OF_EACH = [entry.id for entry in METHODS]
VARIANTS = [name for name in subjects() if name not in ONE_OF_EACH]
SHORT = [
    "sasrec members blend",
    "sasrec sampled",
    "sasrec bce",
    "bert4rec sampled",
    "bpr-mf vector",
    "darec lightgcn",
    "darec per_head",
    "darec tasks",
    "darec blend-text-match",
    "preset darec-nano",
]
"""Variants that are asked each time; ``EVERY_VARIANT=1`` asks all of them."""
ASKED = [*ONE_OF_EACH, *(VARIANTS if os.environ.get("EVERY_VARIANT") else SHORT)]
