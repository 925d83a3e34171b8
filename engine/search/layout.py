"""How a search space is laid out: options, groups of tied layers, costs, and candidates as rows of whole numbers.

A row has one number for each group of layers (which of the options it gets) and one for each further field (which of its
levels). An option is a whole choice (kind, target and rank at once, a bare layer being one option), so that two rows are never
the same candidate. Rows are what samplers and the model work on, thousands at once; nothing here enumerates combinations.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.adapters.choice import LayerChoice
from engine.errors import UserError
from engine.search.levels import levels_of, start_level
from engine.search.spec import FieldValue, SpaceSpec, ranks_of, targets_of
from engine.search.trial import BARE, Candidate

Rows: TypeAlias = NDArray[np.int64]
Cost = Callable[[LayerChoice, int], int]


class SpaceError(UserError, ValueError):
    """A search space that holds nothing, or does not fit the backbone."""


class Layout:
    """All candidates of ``spec`` for a backbone of ``layers`` layers.

    Args:
        spec: kinds, targets, ranks, groups, budget and further fields.
        layers: decoder layers of the backbone.
        cost: trainable parameters of a choice in a layer (counted from 0); asked once for each choice and layer.

    Attributes:
        options: choices that a group of layers may get; the bare layer first, if it is allowed.
        groups: layers of each group.
        costs: `groups x options`, trainable parameters.
        cheaper: `groups x options`, the dearest of an option's cheaper options in that group, or itself if there is none.
        levels: values of each further field.
        sizes: how many numbers each column of a row may take.

    Raises:
        SpaceError: groups do not fit the layers, or nothing fits the budget.
    """

    def __init__(self, spec: SpaceSpec, layers: int, cost: Cost) -> None:
        if layers < 1:
            raise SpaceError(f"The backbone has {layers} layers.", "A search needs one or more.")
        self.spec = spec
        self.layers = layers
        self.options = _options(spec)
        self.groups = _groups(spec, layers)
        table = np.array([[_cost(cost, option, layer) for option in self.options] for layer in range(layers)], dtype=np.int64)
        self.costs = np.stack([table[list(group)].sum(axis=0) for group in self.groups])
        self.cheaper = _next_cheaper(self.costs)
        self.levels: tuple[tuple[FieldValue, ...], ...] = tuple(levels_of(field) for field in spec.further)
        self.starts = np.array([start_level(field) for field in spec.further], dtype=np.int64)
        self.paths = tuple(field.path for field in spec.further)
        self.sizes = np.array([len(self.options)] * len(self.groups) + [len(levels) for levels in self.levels])
        self._numbers = {option: number for number, option in enumerate(self.options)}
        self.largest = int(self.costs.max(axis=1).sum())
        self.limit = min(spec.budget or self.largest, self.largest)
        self._refuse_impossible()

    @property
    def columns(self) -> int:
        """Numbers in a row: groups, then further fields."""
        return len(self.groups) + len(self.levels)

    def encode(self, candidate: Candidate) -> Rows:
        """The row of ``candidate``, of shape `columns`; raises SpaceError if it is not in the space."""
        if len(candidate.architecture) != self.layers:
            raise SpaceError(f"The architecture has {len(candidate.architecture)} choices, the backbone {self.layers} layers.")
        row = []
        for group in self.groups:
            choices = {candidate.architecture[layer] for layer in group}
            if len(choices) != 1:
                raise SpaceError(f"Layers {list(group)} are tied, but get {sorted(map(str, choices))}.")
            choice = choices.pop()
            if choice not in self._numbers:
                raise SpaceError(f"{choice} is not in the space.", f"It holds {', '.join(map(str, self.options))}.")
            row.append(self._numbers[choice])
        settings = candidate.settings
        if settings.keys() != set(self.paths):
            raise SpaceError(f"The candidate sets {sorted(settings)}, the space searches {sorted(self.paths)}.")
        for path, levels in zip(self.paths, self.levels, strict=True):
            if settings[path] not in levels:
                raise SpaceError(f"{path}={settings[path]} is not in the space.", f"It holds {', '.join(map(str, levels))}.")
            row.append(levels.index(settings[path]))
        return np.array(row, dtype=np.int64)

    def decode(self, row: Rows) -> Candidate:
        """The candidate of a row of shape `columns`; the inverse of ``encode``."""
        architecture = [BARE] * self.layers
        for group, number in zip(self.groups, row, strict=False):
            for layer in group:
                architecture[layer] = self.options[int(number)]
        numbers = row[len(self.groups) :]
        fields = {path: levels[int(number)] for path, levels, number in zip(self.paths, self.levels, numbers, strict=True)}
        return Candidate(tuple(architecture), tuple(fields.items()))

    def encode_all(self, candidates: Sequence[Candidate]) -> Rows:
        """Rows of candidates, `n x columns`."""
        return np.array([self.encode(candidate) for candidate in candidates], dtype=np.int64).reshape(-1, self.columns)

    def row_costs(self, rows: Rows) -> Rows:
        """Trainable parameters of rows `n x columns`, of shape `n`."""
        numbers = rows[:, : len(self.groups)]
        total: Rows = self.costs[np.arange(len(self.groups)), numbers].sum(axis=1)
        return total

    def _refuse_impossible(self) -> None:
        least = int(self.costs.min(axis=1).sum())
        if least > self.limit:
            raise SpaceError(
                f"The budget of {self.spec.budget:,} parameters is below the smallest architecture's {least:,}.",
                "Raise the budget, add smaller ranks, or allow the kind 'none'.",
            )
        smallest = int(self.costs[:, [option.kind != "none" for option in self.options]].min())
        if BARE in self._numbers and smallest > self.limit:
            raise SpaceError(
                f"The budget of {self.spec.budget:,} parameters is below the smallest adapter's {smallest:,}.",
                "Raise the budget, or add smaller ranks.",
            )


def _options(spec: SpaceSpec) -> tuple[LayerChoice, ...]:
    adapted = [
        LayerChoice(kind=kind, target=target, rank=rank)
        for kind in spec.kinds
        if kind != "none"
        for target in targets_of(kind, spec.targets)
        for rank in ranks_of(kind, spec.ranks)
    ]
    return tuple([BARE] * ("none" in spec.kinds) + adapted)


def _groups(spec: SpaceSpec, layers: int) -> tuple[tuple[int, ...], ...]:
    if spec.groups == "free":
        return tuple((layer,) for layer in range(layers))
    if isinstance(spec.groups, int):
        if spec.groups > layers:
            raise SpaceError(f"{spec.groups} groups are more than the backbone's {layers} layers.", "Set fewer groups.")
        parts = np.array_split(np.arange(layers), spec.groups)
        return tuple(tuple(int(layer) for layer in part) for part in parts)
    if len(spec.groups) != layers:
        raise SpaceError(f"The groups name {len(spec.groups)} layers, the backbone has {layers}.", "Give one number a layer.")
    return tuple(tuple(layer for layer in range(layers) if spec.groups[layer] == group) for group in range(max(spec.groups) + 1))


def _cost(cost: Cost, choice: LayerChoice, layer: int) -> int:
    parameters = 0 if choice.kind == "none" else int(cost(choice, layer))
    if parameters < 0:
        raise SpaceError(f"{choice} in layer {layer} costs {parameters} parameters, must be 0 or more.")
    return parameters


def _next_cheaper(table: Rows) -> Rows:
    steps = np.tile(np.arange(table.shape[1]), (len(table), 1))
    for group, costs in enumerate(table):
        for option, cost in enumerate(costs):
            below = np.flatnonzero(costs < cost)
            if len(below):
                steps[group, option] = below[np.argmax(costs[below])]
    return steps
