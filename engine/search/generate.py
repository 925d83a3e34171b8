"""Where to look for the next point: random rows, then a walk uphill from the best of them and from the best trials.

Nothing is relaxed to real numbers, and nothing above the budget is ever looked at.
"""

import numpy as np
import torch
from torch import Tensor

from engine.search.improvement import Score
from engine.search.layout import Layout, Rows
from engine.search.sampling import neighbour_rows, sample_rows

_POOL = 512
_STARTS = 8
_PASSES = 4
_EXCHANGES = 48


def promising(layout: Layout, score: Score, tried: Rows, best: Rows, generator: np.random.Generator, count: int) -> Rows:
    """Up to ``count`` different rows of high ``score``, best first, none of them in ``tried``.

    Args:
        tried: `n x columns`, rows that may not be proposed again.
        best: `m x columns`, rows that walks start from beside random ones.
        generator: chance of the random rows and of the order of steps.
    """
    pool = sample_rows(layout, generator, _POOL)
    scores = score(pool)
    starts = np.concatenate([best, pool[torch.topk(scores, min(_STARTS, len(pool))).indices.numpy()]])
    ends, final = climb(layout, score, starts, generator)
    around = np.concatenate([neighbour_rows(layout, row) for row in ends[torch.topk(final, min(2, len(ends))).indices.numpy()]])
    if len(around) > _POOL:
        around = around[generator.choice(len(around), _POOL, replace=False)]
    rows = np.concatenate([ends, around, pool])
    values = torch.cat([final, score(around), scores]) if len(around) else torch.cat([final, scores])
    seen = {row.tobytes() for row in tried}
    chosen = []
    for index in torch.argsort(values, descending=True, stable=True).tolist():
        key = rows[index].tobytes()
        if key not in seen:
            seen.add(key)
            chosen.append(rows[index])
        if len(chosen) == count:
            break
    return np.array(chosen, dtype=np.int64).reshape(-1, layout.columns)


def climb(layout: Layout, score: Score, starts: Rows, generator: np.random.Generator) -> tuple[Rows, Tensor]:
    """Walk uphill from each of ``starts``: column by column, then by exchanges between two groups, until nothing helps.

    Returns:
        the ends, `n x columns`, and their scores, `n`.
    """
    rows, values = starts.copy(), score(starts)
    for _ in range(_PASSES):
        before = values.clone()
        for column in generator.permutation(layout.columns):
            rows, values = _step(layout, score, rows, values, _changes(rows, int(column), int(layout.sizes[column])))
        rows, values = _step(layout, score, rows, values, _exchanges(layout, rows, generator))
        if bool((values <= before + 1e-9).all()):
            break
    return rows, values


def _step(layout: Layout, score: Score, rows: Rows, values: Tensor, moves: Rows) -> tuple[Rows, Tensor]:
    """Take for each row the best of its moves (`n x moves x columns`), if it is within the budget and better."""
    count, width, columns = moves.shape
    flat = moves.reshape(-1, columns)
    allowed = layout.row_costs(flat) <= layout.limit
    scores = torch.full((len(flat),), -torch.inf, dtype=values.dtype)
    if allowed.any():
        scores[torch.from_numpy(allowed)] = score(flat[allowed])
    best = scores.reshape(count, width).max(dim=1)
    better = best.values > values
    taken = moves[np.arange(count), best.indices.numpy()]
    return np.where(better.numpy()[:, None], taken, rows), torch.where(better, best.values, values)


def _changes(rows: Rows, column: int, size: int) -> Rows:
    moves = np.repeat(rows[:, None], size, axis=1)
    moves[:, :, column] = np.arange(size)
    return moves


def _exchanges(layout: Layout, rows: Rows, generator: np.random.Generator) -> Rows:
    """Two groups changed at once, so that one can give what another needs where the budget binds; half of them are swaps."""
    groups = len(layout.groups)
    moves = np.repeat(rows[:, None], _EXCHANGES, axis=1)
    shape = moves.shape[:2]
    one, other = generator.integers(groups, size=shape), generator.integers(groups, size=shape)
    first, second = np.indices(shape)
    options = generator.integers(len(layout.options), size=(2, *shape))
    swap = generator.random(shape) < 0.5
    kept, given = moves[first, second, one], moves[first, second, other]
    moves[first, second, one] = np.where(swap, given, options[0])
    moves[first, second, other] = np.where(swap, kept, options[1])
    return moves
