"""Ranking evaluation: every user's target among the whole catalogue, or among the user's imported candidates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data.sequences import Sequences
from engine.data.split import Split
from engine.evaluation.metrics import LONGEST_LIST, Evidence, compute_metrics
from engine.evaluation.ranks import mid_ranks
from engine.evaluation.top import best_items

SplitName = Literal["valid", "test"]
History = NDArray[np.int32]
Users = Sequence[int] | NDArray[np.int32]
Score = Callable[[Sequence[History], Users | None], Tensor]
"""Scores of all items for each history (oldest item first, one item at least) of these users (indexes within the version;
None for strangers): `batch x items`."""


@dataclass(frozen=True)
class Evaluation:
    """Ranks and lists of all users that have a target.

    Attributes:
        users: `n`, indexes of the users.
        ranks: `n`, 0-based mid-ranks of their targets.
        lists: `n x LONGEST_LIST`, recommended items, best first; -1 where the catalogue is shorter.
        scores: `n x LONGEST_LIST`, their scores.
        metrics: means over the users.
    """

    users: NDArray[np.int32]
    ranks: NDArray[np.float64]
    lists: NDArray[np.int32]
    scores: NDArray[np.float32]
    metrics: dict[str, float]

    def save_ranks(self, path: Path) -> None:
        """Write user and rank as Parquet, for paired comparisons of runs."""
        pl.DataFrame({"user": self.users, "rank": self.ranks}).write_parquet(path)


def pairs_of(histories: Sequence[History], device: torch.device) -> Tensor:
    """`n x 2`: every (row, item) of the histories."""
    rows = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    items = np.concatenate(histories) if len(rows) else np.empty(0, dtype=np.int32)
    return torch.from_numpy(np.stack([rows, items.astype(np.int64)], axis=1)).to(device)


def rank_batch(scores: Tensor, targets: Tensor, removed: Sequence[History] | None, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mid-ranks `batch`, items and scores of the best lists `batch x length` (item -1 where no candidate is left).

    Args:
        scores: `batch x items`; changed in place.
        targets: `batch`.
        removed: items that are no candidates, for each row, or None.
    """
    ranks = mid_ranks(scores, targets, None if removed is None else pairs_of(removed, scores.device))
    values, items = best_items(scores, length)
    return ranks, torch.where(torch.isinf(values), -1, items).int(), values


def only_candidates(scores: Tensor, candidates: Sequence[History], targets: Tensor) -> Tensor:
    """``scores``, minus infinity for every item that is neither among its row's ``candidates`` nor its target.

    Args:
        scores: `batch x items`.
        targets: `batch`.
    """
    pairs, rows = pairs_of(candidates, scores.device), torch.arange(len(scores), device=scores.device)
    kept = torch.full_like(scores, -torch.inf)
    for row, item in ((pairs[:, 0], pairs[:, 1]), (rows, targets)):
        kept[row, item] = scores[row, item]
    return kept


@torch.no_grad()
def evaluate(
    score: Score,
    split: Split,
    name: SplitName,
    *,
    catalogue: int,
    remove_seen: bool,
    batch_users: int,
    candidates: Sequences | None = None,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Rank each target of the split ``name``; ``on_batch(users done, users in all)`` may raise to stop.

    With ``remove_seen`` the items of the history are no candidates. The target always is one.

    Args:
        candidates: what each user's target is ranked among; None: all items.
    """
    users, targets = split.targets(name)
    ranks: list[NDArray[Any]] = []
    lists: list[NDArray[Any]] = []
    list_scores: list[NDArray[Any]] = []
    length = min(LONGEST_LIST, catalogue)
    for start in range(0, len(users), batch_users):
        batch = slice(start, start + batch_users)
        histories = [split.history(int(user), name) for user in users[batch]]
        scores = score(histories, users[batch]).float()
        wanted = torch.from_numpy(targets[batch].astype(np.int64)).to(scores.device)
        if candidates is not None:
            scores = only_candidates(scores, [candidates[int(user)] for user in users[batch]], wanted)
        found = rank_batch(scores, wanted, histories if remove_seen else None, length)
        for parts, part in zip((ranks, lists, list_scores), found, strict=True):
            parts.append(part.cpu().numpy())
        on_batch(min(start + batch_users, len(users)), len(users))
    all_ranks, all_lists = np.concatenate(ranks), np.concatenate(lists)
    padded = np.full((len(users), LONGEST_LIST), -1, dtype=np.int32)
    padded[:, :length] = all_lists
    metrics = compute_metrics(Evidence(all_ranks, padded, catalogue))
    return Evaluation(users, all_ranks, padded, np.concatenate(list_scores), metrics)
