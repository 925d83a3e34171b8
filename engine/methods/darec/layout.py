"""From items to tokens: ``[BOS] instruction U B_1 B_2 ... B_n``, each block an item's text tokens and one marker.

``U`` is one soft token for what happened before the window; there is none without long-term injection.

The state at the k-th marker is the state after k items, so one forward pass supervises every position.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import torch
from torch import Tensor

from engine.errors import UserError
from engine.masking.masks import CAUSAL_BLOCK

MARKER = -2
"""Stands for the item marker in token tables; it has no id in the backbone's vocabulary."""
NOTHING = -1
"""Stands for padding in token tables."""


def item_texts(items: pl.DataFrame, attributes: Sequence[str]) -> list[str]:
    """The text of each item: the title, then the chosen columns that are not empty; a title that is only the id is no text.

    Raises UserError for an unknown column.
    """
    unknown = [name for name in attributes if name not in items.columns or name in ("index", "id")]
    if unknown:
        columns = [name for name in items.columns if name not in ("index", "id", "title")]
        raise UserError(
            f"method.text.attributes: this version has no column {unknown[0]!r}.", f"Choose among: {', '.join(columns)}."
        )
    named = pl.when(pl.col("title") == pl.col("id")).then(pl.lit("")).otherwise(pl.col("title")).alias("title")
    rows = items.select(named, *attributes).iter_rows()
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
        ids: `batch x tokens`, token ids; markers, soft tokens and padding hold 0.
        blocks: `batch x tokens`, number of the item within its history, or CAUSAL_BLOCK.
        tokens: the items' tokens, markers too.
        markers: entries of ``tokens`` that are markers, one for each real item, histories one after the other.
    """

    ids: Tensor
    blocks: Tensor
    tokens: "Tokens"
    markers: Tensor

    @property
    def rows(self) -> Tensor:
        """`n`, the history of each real item."""
        return self.tokens.rows[self.markers]

    @property
    def items(self) -> Tensor:
        """`n`, the place of each real item in its history."""
        return self.tokens.items[self.markers]

    @property
    def columns(self) -> Tensor:
        """`n`, the token position of each real item's marker."""
        return self.tokens.columns[self.markers]


@dataclass(frozen=True)
class Tokens:
    """The tokens of items in a layout, each a vector of the same length.

    Attributes:
        rows: history; columns: token position; items: place of the item in the history; places: place in the item's block.
    """

    rows: Tensor
    columns: Tensor
    items: Tensor
    places: Tensor


def lay_out(histories: Tensor, table: Tensor, prefix: list[int], soft: int) -> Layout:
    """Lay out a batch of histories.

    Args:
        histories: `batch x length`, item indexes, oldest first, padded on the right with ``len(table) - 1``.
        table: what ``token_table`` gave.
        prefix: ids of the start token and the instruction, in front of every history.
        soft: number of soft tokens behind the prefix.
    """
    batch, opening = len(histories), len(prefix) + soft
    grid = table[histories]
    real = (grid != NOTHING).view(batch, -1)
    positions = opening + real.cumsum(dim=1) - 1
    width = opening + int(real.sum(dim=1).max())
    ids = torch.zeros(batch, width, dtype=torch.long, device=histories.device)
    ids[:, : len(prefix)] = torch.tensor(prefix, dtype=torch.long, device=histories.device)
    blocks = torch.full((batch, width), CAUSAL_BLOCK, dtype=torch.long, device=histories.device)
    rows, cells = real.nonzero(as_tuple=True)
    values, columns = grid.view(batch, -1)[rows, cells], positions[rows, cells]
    tokens = Tokens(rows, columns, cells // grid.shape[2], cells % grid.shape[2])
    ids[rows, columns] = values.clamp(min=0)
    blocks[rows, columns] = tokens.items
    return Layout(ids, blocks, tokens, (values == MARKER).nonzero()[:, 0])
