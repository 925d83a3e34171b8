"""From items to tokens: ``[BOS] instruction B_1 B_2 ... B_n``, each block an item's text tokens and one marker.

The state at the k-th marker is the state after k items, so one forward pass supervises every position.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import torch
from torch import Tensor

from engine.errors import UserError
from engine.masking.union import CAUSAL_BLOCK

MARKER = -2
"""Stands for the item marker in token tables; it has no id in the backbone's vocabulary."""
NOTHING = -1
"""Stands for padding in token tables."""


def item_texts(items: pl.DataFrame, attributes: Sequence[str]) -> list[str]:
    """The text of each item: the title, then the chosen columns that are not empty. Raises UserError for an unknown column."""
    unknown = [name for name in attributes if name not in items.columns or name in ("index", "id")]
    if unknown:
        columns = [name for name in items.columns if name not in ("index", "id", "title")]
        raise UserError(
            f"method.text.attributes: this version has no column {unknown[0]!r}.", f"Choose among: {', '.join(columns)}."
        )
    rows = items.select("title", *attributes).iter_rows()
    return [" | ".join(part for part in map(_as_text, row) if part) for row in rows]


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "").strip()


def token_table(tokens: list[list[int]], device: torch.device) -> Tensor:
    """`items + 1 x longest + 1`: each item's tokens, its marker, then ``NOTHING``; the last row (padding) is all ``NOTHING``."""
    longest = max((len(ids) for ids in tokens), default=0)
    table = torch.full((len(tokens) + 1, longest + 1), NOTHING, dtype=torch.long)
    for index, ids in enumerate(tokens):
        table[index, : len(ids) + 1] = torch.tensor([*ids, MARKER], dtype=torch.long)
    return table.to(device)


@dataclass(frozen=True)
class Layout:
    """A batch of histories as tokens, padded on the right.

    Attributes:
        ids: `batch x tokens`, token ids; markers and padding hold 0.
        blocks: `batch x tokens`, number of the item within its history, or CAUSAL_BLOCK.
        rows, items, columns: `n`, one entry for each real item: its history, its place in it, and its marker's token position.
    """

    ids: Tensor
    blocks: Tensor
    rows: Tensor
    items: Tensor
    columns: Tensor


def lay_out(histories: Tensor, table: Tensor, prefix: list[int]) -> Layout:
    """Lay out a batch of histories.

    Args:
        histories: `batch x length`, item indexes, oldest first, padded on the right with ``len(table) - 1``.
        table: what ``token_table`` gave.
        prefix: ids of the start token and the instruction, in front of every history.
    """
    batch = len(histories)
    grid = table[histories]
    real = (grid != NOTHING).view(batch, -1)
    places = len(prefix) + real.cumsum(dim=1) - 1
    width = len(prefix) + int(real.sum(dim=1).max())
    ids = torch.zeros(batch, width, dtype=torch.long, device=histories.device)
    ids[:, : len(prefix)] = torch.tensor(prefix, dtype=torch.long, device=histories.device)
    blocks = torch.full((batch, width), CAUSAL_BLOCK, dtype=torch.long, device=histories.device)
    rows, cells = real.nonzero(as_tuple=True)
    values = grid.view(batch, -1)[rows, cells]
    ids[rows, places[rows, cells]] = values.clamp(min=0)
    blocks[rows, places[rows, cells]] = cells // grid.shape[2]
    marked = values == MARKER
    return Layout(ids, blocks, rows[marked], cells[marked] // grid.shape[2], places[rows, cells][marked])
