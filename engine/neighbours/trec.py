"""Ranked lists in the format of TREC runs, with the held-out items as qrels: for ir_measures, ranx and trec_eval.

These tools order each list by its scores, and equal scores by id; ours are mid-ranks. So figures are equal where no other item
has the target's score.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.durable import sync
from engine.errors import UserError
from engine.evaluation.evaluator import History, SplitName, only_candidates, rank_batch
from engine.recommend import Recommender

RUN, QRELS = "run.trec", "qrels.trec"
_APART = re.compile(r"[\s%\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Lists:
    """The lists of some users.

    Attributes:
        users, targets: `n`, indexes.
        items: `n x k`, indexes, best first; -1 where no candidate is left.
        scores: `n x k`.
    """

    users: NDArray[np.int32]
    targets: NDArray[np.int32]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]


def ranked_lists(recommender: Recommender, name: SplitName, k: int) -> Iterator[Lists]:
    """The ``k`` best items of each user with a target of ``name``, a batch at a time, ranked just as in the evaluation."""
    split, spec = recommender.split, recommender.method.context.spec
    users, targets = split.targets(name)
    length, batch = min(k, recommender.version.counts.items), spec.evaluation.batch_users
    candidates = recommender.candidates if name == "test" else None
    score = recommender.warm()
    for start in range(0, len(users), batch):
        some, wanted = users[start : start + batch], targets[start : start + batch]
        histories = [split.history(int(user), name) for user in some]
        with torch.no_grad():
            scores = score(histories, some).float().clone()
        goal = torch.from_numpy(wanted.astype(np.int64)).to(scores.device)
        if candidates is not None:
            scores = only_candidates(scores, [candidates[int(user)] for user in some], goal)
        removed: Sequence[History] | None = histories if recommender.remove_seen else None
        _, items, values = rank_batch(scores, goal, removed, length)
        yield Lists(some, wanted, items.cpu().numpy(), values.cpu().numpy())


def write_trec(
    recommender: Recommender,
    name: SplitName,
    k: int,
    folder: Path,
    on_users: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, int]:
    """Write ``run.trec`` and ``qrels.trec`` into ``folder``, whole or not at all; returns the numbers of users and of lines.

    Raises:
        UserError: one of the two is there already.
    """
    for file in (RUN, QRELS):
        if (folder / file).exists():
            raise UserError(f"{folder / file} exists already.", "Name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    version, tag = recommender.version, recommender.method.context.spec.method.id
    user_ids, item_ids = [field(text) for text in version.users], [field(text) for text in version.item_ids]
    total = len(recommender.split.targets(name)[0])
    writing = {file: folder / f".{file}.writing" for file in (RUN, QRELS)}
    users = lines = 0
    with writing[RUN].open("w", encoding="utf-8") as run, writing[QRELS].open("w", encoding="utf-8") as qrels:
        for lists in ranked_lists(recommender, name, k):
            for row, user in enumerate(lists.users):
                there = lists.items[row] >= 0
                pairs = zip(lists.items[row][there].tolist(), lists.scores[row][there].tolist(), strict=True)
                run.writelines(
                    f"{user_ids[user]} Q0 {item_ids[item]} {rank} {value:.9g} {tag}\n"
                    for rank, (item, value) in enumerate(pairs, 1)
                )
                qrels.write(f"{user_ids[user]} 0 {item_ids[lists.targets[row]]} 1\n")
                lines += int(there.sum())
            users += len(lists.users)
            on_users(users, total)
    for file, path in writing.items():
        sync(path)
        path.rename(folder / file)
    return users, lines


def field(text: str) -> str:
    """An id as one field: white space, control characters and % percent-encoded in UTF-8, all else as it is."""
    return _APART.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)
