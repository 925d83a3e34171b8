"""Item-to-item weights, a sparse row an item, and the votes of a history's items with them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from engine.errors import CheckpointError
from engine.evaluation.evaluator import History
from engine.methods.state import take_tensors

AT_ONCE = 1 << 22
"""Entries of rows that are gathered at once: some 100 MB while they are."""


@dataclass(frozen=True, eq=False)
class Votes:
    """Items of histories that vote for what comes next.

    Attributes:
        voters: int64, `votes`: the row of the batch that each belongs to, in order.
        sources: int64, `votes`: the item.
        weights: float32, `votes`.
    """

    voters: Tensor
    sources: Tensor
    weights: Tensor


def recent_votes(histories: Sequence[History], last: int | None, decay: float, device: torch.device) -> Votes:
    """The ``last`` items of each history (None: all of them); the newest weighs 1, each one before it ``decay`` times as much."""
    recent = [history if last is None else history[-last:] for history in histories]
    lengths = np.array([len(history) for history in recent], dtype=np.int64)
    ends = np.cumsum(lengths)
    back = np.repeat(ends, lengths) - 1 - np.arange(int(lengths.sum()))
    voters = np.repeat(np.arange(len(recent)), lengths)
    return Votes(
        torch.from_numpy(voters).to(device),
        torch.from_numpy(np.concatenate(recent).astype(np.int64)).to(device),
        torch.from_numpy((decay ** back.astype(np.float64)).astype(np.float32)).to(device),
    )


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A square matrix over the items in compressed rows: row ``j`` holds what item ``j`` says of all others.

    Attributes:
        starts: int64, `items + 1`; row ``j`` is ``starts[j] : starts[j + 1]`` of the other two.
        columns: int32, `entries`.
        values: float32, `entries`.
    """

    starts: Tensor
    columns: Tensor
    values: Tensor

    @classmethod
    def from_matrix(cls, matrix: "sparse.csr_array", device: torch.device) -> "SparseRows":
        """Take over a scipy matrix, `items x items`; columns are put in order, zeros are left out."""
        matrix = matrix.tocsr()
        matrix.eliminate_zeros()
        matrix.sort_indices()
        return cls(
            torch.from_numpy(matrix.indptr.astype(np.int64)).to(device),
            torch.from_numpy(matrix.indices.astype(np.int32)).to(device),
            torch.from_numpy(matrix.data.astype(np.float32)).to(device),
        )

    @property
    def items(self) -> int:
        """Size of the catalogue."""
        return len(self.starts) - 1

    def sums(self, votes: Votes, batch: int) -> Tensor:
        """For each voter the weighted sum of its sources' rows: float32, `batch x items`."""
        scores = torch.zeros(batch * self.items, device=self.values.device)
        counts = self.starts[votes.sources + 1] - self.starts[votes.sources]
        runs = torch.unique_consecutive(counts.cumsum(0) // AT_ONCE, return_counts=True)[1].tolist()
        parts = zip(*(each.split(runs) for each in (votes.voters, votes.sources, votes.weights, counts)), strict=True)
        for voters, sources, weights, lengths in parts:
            vote = torch.repeat_interleave(lengths)
            entry = torch.arange(len(vote), device=vote.device) + (self.starts[sources] - lengths.cumsum(0) + lengths)[vote]
            cell = voters[vote] * self.items + self.columns[entry]
            scores.index_add_(0, cell, weights[vote] * self.values[entry])
        return scores.view(batch, self.items)

    def state(self) -> dict[str, Tensor]:
        """The three tensors, by name."""
        return {"starts": self.starts, "columns": self.columns, "values": self.values}

    @classmethod
    def from_state(cls, state: dict[str, Tensor], items: int, device: torch.device) -> "SparseRows":
        """Take over what ``state`` gave; raises CheckpointError if it is no matrix over ``items`` items."""
        entries = torch.empty(len(state.get("columns", ())))
        taken = take_tensors({"starts": torch.empty(items + 1), "columns": entries, "values": entries}, state)
        starts, columns = taken["starts"], taken["columns"]
        in_order = int(starts[0]) == 0 and bool((starts.diff() >= 0).all()) and int(starts[-1]) == len(columns)
        if not in_order or (len(columns) and not 0 <= int(columns.min()) <= int(columns.max()) < items):
            raise CheckpointError(
                f"The saved rows are damaged: they are no matrix over {items} items.", "Start the run again from its spec."
            )
        return cls(starts.to(device), columns.to(device), taken["values"].to(device))
