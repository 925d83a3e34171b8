"""Ranked lists in the format of TREC runs, with the held-out items as qrels: for ir_measures, ranx and trec_eval.

These tools order each list by its scores, and equal scores each in its own way (by id, or as they stand); ours are mid-ranks. So
a user's figures are equal where no other item has the target's score, up to the list's length. Of whom that is not so, the third
file says: it is empty where all figures are ours, and elsewhere no ranking of whole places could give half a place.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.durable import sync
from engine.errors import UserError
from engine.evaluation.evaluator import History, SplitName, only_candidates, rank_batch
from engine.recommend import Recommender

RUN, QRELS, TIED = "run.trec", "qrels.trec", "tied.txt"
_APART = re.compile(r"[\s%\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Lists:
    """The lists of some users.

    Attributes:
        users, targets: `n`, indexes.
        items: `n x k`, indexes, best first; -1 where no candidate is left.
        scores: `n x k`.
        tied: `n`, whether another candidate has the target's score, in the list or below its end.
    """

    users: NDArray[np.int32]
    targets: NDArray[np.int32]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    tied: NDArray[np.bool_]


@dataclass(frozen=True)
class Written:
    """How much was written: users with a list, lines of all lists, and users whose target ties."""

    users: int
    lines: int
    tied: int


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
        # By now what is no candidate has minus infinity.
        tied = (scores == scores.gather(1, goal[:, None])).sum(dim=1) > 1
        yield Lists(some, wanted, items.cpu().numpy(), values.cpu().numpy(), tied.cpu().numpy())


def write_trec(
    recommender: Recommender,
    name: SplitName,
    k: int,
    folder: Path,
    on_users: Callable[[int, int], None] = lambda done, total: None,
) -> Written:
    """Write ``run.trec``, ``qrels.trec`` and ``tied.txt`` (a user a line) into ``folder``, each whole or not at all.

    Raises:
        UserError: one of them is there already.
    """
    files = (RUN, QRELS, TIED)
    for file in files:
        if (folder / file).exists():
            raise UserError(f"{folder / file} exists already.", "Name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    version, tag = recommender.version, recommender.method.context.spec.method.id
    user_ids, item_ids = [field(text) for text in version.users], [field(text) for text in version.item_ids]
    total = len(recommender.split.targets(name)[0])
    writing = {file: folder / f".{file}.writing" for file in files}
    users = lines = tied = 0
    with ExitStack() as stack:
        run, qrels, ties = (stack.enter_context(writing[file].open("w", encoding="utf-8")) for file in files)
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
                if lists.tied[row]:
                    ties.write(f"{user_ids[user]}\n")
                    tied += 1
            users += len(lists.users)
            on_users(users, total)
    for file, path in writing.items():
        sync(path)
        path.rename(folder / file)
    return Written(users, lines, tied)


def field(text: str) -> str:
    """An id as one field: white space, control characters and % percent-encoded in UTF-8, all else as it is."""
    return _APART.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)
