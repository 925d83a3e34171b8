"""Rows within the budget: by chance, spread out by Sobol points, hand-made, and the neighbours of a row."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from engine.search.layout import Layout, Rows
from engine.search.trial import BARE


def rows_from_unit(space: Layout, points: NDArray[np.float64]) -> Rows:
    """Rows of points of the unit cube, `n x (1 + columns + groups)`, all within the budget.

    The first coordinate is the share of layers that are adapted at all: with one coin a layer nearly every candidate would adapt
    about the same share, and neither sparse nor full architectures would be seen. The last ones say which layers give way first
    where the budget is exceeded.
    """
    groups, columns = len(space.groups), space.columns
    share, genes, order = points[:, :1], points[:, 1 : 1 + columns], points[:, 1 + columns :]
    rows = np.minimum((genes * space.sizes).astype(np.int64), space.sizes - 1)
    if BARE in space.options:
        adapted = genes[:, :groups] < share
        rescaled = np.where(adapted, genes[:, :groups] / np.maximum(share, 1e-12), 0.0)
        others = len(space.options) - 1
        rows[:, :groups] = np.where(adapted, 1 + np.minimum((rescaled * others).astype(np.int64), others - 1), 0)
    return repair(space, rows, np.argsort(order, axis=1))


def sample_rows(space: Layout, generator: np.random.Generator, count: int) -> Rows:
    """``count`` rows by chance, within the budget."""
    return rows_from_unit(space, generator.random((count, 1 + space.columns + len(space.groups))))


def sobol_rows(space: Layout, count: int, seed: int) -> Rows:
    """``count`` spread-out rows (a scrambled Sobol sequence mapped to the space); longer draws begin with the shorter ones."""
    engine = qmc.Sobol(1 + space.columns + len(space.groups), scramble=True, rng=np.random.default_rng(seed))
    points = engine.random_base2(max(count - 1, 1).bit_length())  # whole powers of two keep the sequence balanced
    return rows_from_unit(space, points[:count])


def repair(space: Layout, rows: Rows, order: Rows) -> Rows:
    """Rows within the budget: where it is exceeded, groups give way one after another to their next cheaper option.

    Args:
        rows: `n x columns`.
        order: `n x groups`, for each row the groups, first to give way first.
    """
    rows = rows.copy()
    groups = len(space.groups)
    excess = space.row_costs(rows) - space.limit
    while (excess > 0).any():
        for position in range(groups):
            over = np.flatnonzero(excess > 0)
            group = order[over, position]
            now = rows[over, group]
            then = space.cheaper[group, now]
            excess[over] -= space.costs[group, now] - space.costs[group, then]
            rows[over, group] = then
    return rows


def baseline_rows(space: Layout) -> list[tuple[Rows, str]]:
    """Hand-made first rows with their names: uniform adapters, only the upper or lower half, and nothing at all.

    Of the first kind and the widest target; with the largest rank that the budget allows, and uniform at the smallest rank too.
    """
    bare = BARE in space.options
    kind = next(option.kind for option in space.options if option.kind != "none")
    widest = next(target for target in ("both", "attention", "mlp") if target in space.spec.targets)
    numbers = [number for number, option in enumerate(space.options) if (option.kind, option.target) == (kind, widest)]
    count = len(space.groups)
    everywhere = range(count)
    plans = [("uniform", everywhere, numbers[::-1]), ("uniform", everywhere, numbers)]
    if bare:
        plans += [
            ("upper half", range(count // 2, count), numbers[::-1]),
            ("lower half", range((count + 1) // 2), numbers[::-1]),
            ("nothing adapted", range(0), numbers[:1]),
        ]
    found: dict[bytes, tuple[Rows, str]] = {}
    for name, groups, ranks in plans:
        for number in ranks:
            row = np.concatenate([np.zeros(count, dtype=np.int64), space.starts])
            row[list(groups)] = number
            if space.row_costs(row[None])[0] <= space.limit:
                label = f"{name} {space.options[number]}" if len(groups) else name
                found.setdefault(row.tobytes(), (row, label))
                break
    return list(found.values())


def neighbour_rows(space: Layout, row: Rows) -> Rows:
    """Rows within the budget that differ from ``row`` in one column, or by two groups having swapped their options."""
    changed = []
    for column, size in enumerate(space.sizes):
        block = np.repeat(row[None], size, axis=0)
        block[:, column] = np.arange(size)
        changed.append(np.delete(block, row[column], axis=0))
    changed.append(_swaps(len(space.groups), row))
    rows = np.concatenate(changed)
    kept: Rows = rows[space.row_costs(rows) <= space.limit]
    return kept


def _swaps(groups: int, row: Rows) -> Rows:
    pairs = [(one, two) for one in range(groups) for two in range(one + 1, groups) if row[one] != row[two]]
    rows = np.repeat(row[None], len(pairs), axis=0)
    for index, (one, two) in enumerate(pairs):
        rows[index, [one, two]] = row[[two, one]]
    return rows
