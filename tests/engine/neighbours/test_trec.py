"""Figures computed from the exported files are ours, where no other item has the target's score."""

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from engine.data.version import Version
from engine.errors import UserError
from engine.evaluation.compare import read_ranks
from engine.evaluation.metrics import per_user
from engine.neighbours.trec import QRELS, RUN, field, write_trec
from engine.recommend import Recommender
from engine.run import run
from tests.engine.conftest import write_version
from tests.engine.methods.runs import small_spec

Run = dict[str, dict[str, float]]


def read_run(path: Path) -> Run:
    found: Run = defaultdict(dict)
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        user, q0, item, _, score, _ = line.split()
        assert q0 == "Q0"
        assert item not in found[user], "trec_eval refuses a list with one item twice"
        found[user][item] = float(score)
    return dict(found)


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        user, _, item, relevance = line.split()
        found[user][item] = int(relevance)
    return dict(found)


def ndcg(lists: Run, qrels: dict[str, dict[str, int]], cutoff: int) -> dict[str, float]:
    """ndcg_cut as trec_eval defines it: lists by score, equal ones by id, both descending; ranks count for nothing."""
    found = {}
    for user, relevant in qrels.items():
        ordered = sorted(lists.get(user, {}).items(), key=lambda pair: (pair[1], pair[0]), reverse=True)[:cutoff]
        gained = sum(relevant.get(item, 0) / math.log2(place + 2) for place, (item, _) in enumerate(ordered))
        ideal = sorted(relevant.values(), reverse=True)[:cutoff]
        found[user] = gained / sum(value / math.log2(place + 2) for place, value in enumerate(ideal))
    return found


@pytest.mark.parametrize("split", ["test", "valid"])
@pytest.mark.parametrize("method", ["sasrec", "bpr-mf", "item-knn", "darec"])
def test_ndcg_from_the_files_is_ours(method: str, split: Any, planted: Version, tmp_path: Path) -> None:
    result = run(small_spec(method, {"training.epochs": 1}), planted, tmp_path / "run", lambda event: None)
    told: list[tuple[int, int]] = []
    users, lines = write_trec(
        Recommender.open(tmp_path / "run", planted, "cpu"), split, 20, tmp_path / "out", lambda *pair: told.append(pair)
    )
    lists, qrels = read_run(tmp_path / "out" / RUN), read_qrels(tmp_path / "out" / QRELS)
    assert (users, lines) == (len(qrels), sum(len(items) for items in lists.values()))
    assert told[-1] == (users, users)
    ranks = read_ranks(tmp_path / "run" / f"ranks_{split}.parquet")
    # An equal score makes a mid-rank of a half, or moves it to a place where trec_eval, which goes by ids, need not put it.
    ours = dict(zip((planted.users[user] for user in ranks.users), per_user("ndcg", ranks.ranks, 10).tolist(), strict=True))
    theirs = ndcg(lists, qrels, 10)
    clear = [user for user in ours if is_clear(lists[user], qrels[user])]
    assert len(clear) > (0.3 if method == "item-knn" else 0.95) * len(ours)
    for user in clear:
        assert theirs[user] == pytest.approx(ours[user], abs=1e-12), user
    if len(clear) == len(ours):
        mean = (result.test if split == "test" else result.valid)["ndcg@10"]
        assert sum(theirs.values()) / len(theirs) == pytest.approx(mean, abs=1e-12)


def is_clear(scores: dict[str, float], relevant: dict[str, int]) -> bool:
    """Whether no other item has the target's score; a target that is not in the list must be below the whole list."""
    (target,) = relevant
    values = list(scores.values())
    return values.count(scores[target]) == 1 if target in scores else len(set(values)) > 10


def test_seen_items_are_not_listed_and_lists_end_with_the_candidates(planted: Version, tmp_path: Path) -> None:
    run(small_spec("popularity"), planted, tmp_path / "run", lambda event: None)
    opened = Recommender.open(tmp_path / "run", planted, "cpu")
    write_trec(opened, "test", 1000, tmp_path / "out")
    lists = read_run(tmp_path / "out" / RUN)
    for number, user in enumerate(planted.users):
        if opened.split.test[number] < 0:
            assert field(user) not in lists
            continue
        seen = {field(planted.item_ids[item]) for item in opened.split.history(number, "test")}
        target = field(planted.item_ids[opened.split.test[number]])
        assert not (seen - {target}) & lists[field(user)].keys()
        assert len(lists[field(user)]) == planted.counts.items - len(seen - {target})


def test_hostile_ids_stay_one_field(tmp_path: Path) -> None:
    assert field("a b\u00a0%\x1f") == "a%20b%C2%A0%25%1F"
    assert field("größe<b>") == "größe<b>"
    rows = [(user, item, time) for user in ("u 1", "v\u2003%") for time, item in enumerate(["a b", "c%20d", "e", "f g"])]
    version = write_version(tmp_path, rows)
    run(small_spec("popularity"), version, tmp_path / "run", lambda event: None)
    write_trec(Recommender.open(tmp_path / "run"), "test", 10, tmp_path / "out")
    assert read_qrels(tmp_path / "out" / QRELS) == {"u%201": {"f%20g": 1}, "v%E2%80%83%25": {"f%20g": 1}}
    with pytest.raises(UserError, match="exists already"):
        write_trec(Recommender.open(tmp_path / "run"), "test", 10, tmp_path / "out")
