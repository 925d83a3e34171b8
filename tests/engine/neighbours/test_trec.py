"""Figures computed by other people's programs from the exported files are ours, where no other item has the target's score."""

import json
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from engine.data.version import Version
from engine.errors import UserError
from engine.evaluation.compare import read_ranks
from engine.evaluation.metrics import per_user
from engine.neighbours.trec import QRELS, RUN, TIED, field, write_trec
from engine.recommend import Recommender
from engine.run import run
from tests.engine.conftest import write_version
from tests.engine.methods.runs import small_spec
from tests.support.attacks import ATTACKS
from tests.tools.environments import tool

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


def read_tied(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    assert len(set(lines)) == len(lines)
    return set(lines)


RANX = """
import json, sys
from pathlib import Path
from ranx import Qrels, Run, evaluate

metrics = ["ndcg@10", "hit_rate@10", "mrr@10", "ndcg@20", "hit_rate@1"]
for folder in map(Path, sys.argv[1:]):
    run = Run.from_file(str(folder / "run.trec"), kind="trec")
    evaluate(Qrels.from_file(str(folder / "qrels.trec"), kind="trec"), run, metrics)
    means = {name: float(value) for name, value in run.mean_scores.items()}
    users = {name: {user: float(value) for user, value in values.items()} for name, values in run.scores.items()}
    (folder / "ranx.json").write_text(json.dumps({"means": means, "users": users}), encoding="utf-8")
"""
NAMES = {"ndcg@10": "ndcg@10", "hit_rate@10": "hr@10", "mrr@10": "mrr@10", "ndcg@20": "ndcg@20", "hit_rate@1": "hr@1"}
METHODS = ["sasrec", "bpr-mf", "item-knn", "darec", "popularity"]


@pytest.mark.parametrize("split", ["test", "valid"])
def test_ranx_computes_our_figures_from_the_files(split: Any, planted: Version, tmp_path: Path) -> None:
    """ranx in its own environment. Among tied items it takes one of their places, ours is the middle of them."""
    python = str(tool("python"))
    results = {}
    for method in METHODS:
        results[method] = run(small_spec(method, {"training.epochs": 1}), planted, tmp_path / method, lambda event: None)
        told: list[tuple[int, int]] = []
        opened = Recommender.open(tmp_path / method, planted, "cpu")
        written = write_trec(opened, split, 20, tmp_path / method / "out", lambda *pair, told=told: told.append(pair))
        lists, qrels = read_run(tmp_path / method / "out" / RUN), read_qrels(tmp_path / method / "out" / QRELS)
        assert (written.users, written.lines) == (len(qrels), sum(len(items) for items in lists.values()))
        assert told[-1] == (written.users, written.users)
    folders = [str(tmp_path / method / "out") for method in METHODS]
    command = [python, "-I", "-W", "ignore", "-c", RANX, *folders]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for method, result in results.items():
        folder = tmp_path / method
        ranks = read_ranks(folder / f"ranks_{split}.parquet")
        theirs = json.loads((folder / "out" / "ranx.json").read_text(encoding="utf-8"))
        tied = read_tied(folder / "out" / TIED)
        users = [planted.users[user] for user in ranks.users]
        assert tied <= set(users)
        assert bool(tied) == (method == "popularity"), "it counts, so that many items have equal scores"
        lists, qrels = read_run(folder / "out" / RUN), read_qrels(folder / "out" / QRELS)
        assert {user for user in users if ties_in_list(lists[user], qrels[user])} <= tied
        for name, ours in NAMES.items():
            kind, cutoff = ours.split("@")
            own = dict(zip(users, per_user(kind, ranks.ranks, int(cutoff)).tolist(), strict=True))
            for user in set(users) - tied:
                assert theirs["users"][name][user] == pytest.approx(own[user], abs=1e-12), (method, name, user)
            if not tied:
                mean = (result.test if split == "test" else result.valid)[ours]
                assert theirs["means"][name] == pytest.approx(mean, abs=1e-12), (method, name)


def ties_in_list(scores: dict[str, float], relevant: dict[str, int]) -> bool:
    """Whether another item of the list has the target's score."""
    (target,) = relevant
    return target in scores and list(scores.values()).count(scores[target]) > 1


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


def test_attacks_stay_one_field() -> None:
    told = [field(text) for text in ATTACKS]
    assert all(len(one.split()) == 1 and len(one.splitlines()) == 1 for one in told), told
    assert len(set(told)) == len(set(ATTACKS))
