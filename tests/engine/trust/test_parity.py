"""The metrics against other people's implementation, and against the plain way, on every split and rule for seen items.

torchmetrics knows no ties and no list to leave out: what it is given is each user's candidates, and of ties only its answers for
the best and the worst order, between which a mid-rank has to lie.
"""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchmetrics.functional.retrieval import retrieval_hit_rate, retrieval_normalized_dcg, retrieval_reciprocal_rank

from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.split import Held, Split
from engine.data.splits import make_split
from engine.data.version import Version
from engine.evaluation.evaluator import Evaluation, Users, evaluate
from engine.evaluation.metrics import CUTOFFS
from engine.spec import FilterSpec
from tests.engine.conftest import write_version
from tests.engine.trust.conftest import ITEMS
from tests.engine.trust.subjects import Settings, spec_of
from tests.engine.trust.test_causality import SPLITS

PUBLIC = {"hr": retrieval_hit_rate, "ndcg": retrieval_normalized_dcg, "mrr": retrieval_reciprocal_rank}


def table_of(users: int, items: int, levels: int) -> torch.Tensor:
    """Scores of each user, `users x items`, from so few ``levels`` that many are equal; 0 has no two equal ones."""
    generator = torch.Generator().manual_seed(11)
    if levels:
        return torch.randint(levels, (users, items), generator=generator).float()
    return torch.stack([torch.randperm(items, generator=generator) for _ in range(users)]).float()


def evaluation_of(split: Split, part: Held, table: torch.Tensor, remove: bool) -> Evaluation:
    def score(histories: Sequence[NDArray[np.int32]], users: Users | None) -> torch.Tensor:
        return table[torch.as_tensor(np.asarray(users), dtype=torch.long)].clone()

    return evaluate(score, split, part, catalogue=table.shape[1], remove_seen=remove, batch_users=7)


def candidates_of(split: Split, part: Held, user: int, target: int, items: int, remove: bool) -> list[int]:
    """What is ranked for a user: the target, and every item that is not to be left out."""
    seen = set(split.history(user, part).tolist()) if remove else set()
    return [item for item in range(items) if item == target or item not in seen]


def theirs(split: Split, part: Held, table: torch.Tensor, remove: bool, nudge: float) -> dict[str, float]:
    """What torchmetrics says, the target put before (``nudge`` above 0) or behind its equals."""
    found: dict[str, list[float]] = {f"{name}@{cutoff}": [] for name in PUBLIC for cutoff in CUTOFFS}
    users, targets = split.targets(part)
    for user, target in zip(users.tolist(), targets.tolist(), strict=True):
        candidates = candidates_of(split, part, user, target, table.shape[1], remove)
        relevant = torch.tensor([item == target for item in candidates])
        # its reciprocal rank takes a relevant item whose score is not above 0 for one that is not relevant
        scores = table[user, candidates] + 1 + nudge * relevant
        for name, function in PUBLIC.items():
            for cutoff in CUTOFFS:
                found[f"{name}@{cutoff}"].append(float(function(scores, relevant, top_k=min(cutoff, len(candidates)))))
    return {name: float(np.mean(values)) for name, values in found.items()}


ALL = [(split, part, remove) for split in [*SPLITS, "imported"] for part in ("valid", "test") for remove in (True, False)]


def split_named(name: str, plain: Version, folder: Path) -> tuple[Version, Split]:
    if name != "imported":
        return plain, make_split(plain, spec_of("popularity", SPLITS[name]).split)
    rows = [(f"u{user}", f"i{(3 * user + place) % 11:02}", 10 * user + place) for user in range(9) for place in range(6)]
    labels = ["train", "train", "train", "valid", "train", "test"]
    raw = folder / "labelled"
    raw.mkdir()
    lines = [f"{user},{item},{time},{labels[place % 6]}" for place, (user, item, time) in enumerate(rows)]
    (raw / "interactions.csv").write_text("\n".join(["user_id,item_id,timestamp,split", *lines]) + "\n", encoding="utf-8")
    from_file = prepare(read_raw(raw), FilterSpec(core=0), folder / "imported")
    settings: Settings = {"split.kind": "imported"}
    return from_file, make_split(from_file, spec_of("popularity", settings).split)


@pytest.mark.parametrize(("name", "part", "remove"), ALL)
def test_agrees_with_torchmetrics(name: str, part: Held, remove: bool, plain: Version, tmp_path: Path) -> None:
    own, split = split_named(name, plain, tmp_path)
    table = table_of(len(own.users), own.counts.items, 0)
    ours, other = evaluation_of(split, part, table, remove).metrics, theirs(split, part, table, remove, 0)
    assert {name: ours[name] for name in other} == pytest.approx(other, abs=1e-6)
    assert 0 < ours["hr@10"] <= 1


@pytest.mark.parametrize(("name", "part", "remove"), ALL)
def test_ties_are_counted_the_plain_way_and_lie_between_both_orders(
    name: str, part: Held, remove: bool, plain: Version, tmp_path: Path
) -> None:
    own, split = split_named(name, plain, tmp_path)
    items = own.counts.items
    table = table_of(len(own.users), items, 4)
    found = evaluation_of(split, part, table, remove)
    users, targets = split.targets(part)
    for row, (user, target) in enumerate(zip(users.tolist(), targets.tolist(), strict=True)):
        rivals = [item for item in candidates_of(split, part, user, target, items, remove) if item != target]
        scores = table[user]
        higher = sum(bool(scores[item] > scores[target]) for item in rivals)
        equal = sum(bool(scores[item] == scores[target]) for item in rivals)
        assert found.ranks[row] == higher + equal / 2
    first, last = (theirs(split, part, table, remove, nudge) for nudge in (0.5, -0.5))
    assert all(last[metric] - 1e-6 <= found.metrics[metric] <= first[metric] + 1e-6 for metric in first)
    assert first["ndcg@10"] > last["ndcg@10"]


@pytest.mark.parametrize("remove", [True, False])
def test_coverage_is_what_a_walk_over_the_lists_counts(remove: bool, plain: Version) -> None:
    split = make_split(plain, spec_of("popularity").split)
    table = table_of(len(plain.users), ITEMS, 0)
    found = evaluation_of(split, "test", table, remove)
    for cutoff in CUTOFFS:
        shown: set[int] = set()
        for user, target in zip(*(each.tolist() for each in split.targets("test")), strict=True):
            candidates = candidates_of(split, "test", user, target, ITEMS, remove)
            shown.update(sorted(candidates, key=lambda item: -float(table[user, item]))[:cutoff])
        assert found.metrics[f"coverage@{cutoff}"] == len(shown) / ITEMS


def test_published_id_files_are_split_as_their_authors_do(shared_data: Path, tmp_path: Path) -> None:
    """S3-Rec's Beauty: one user a line, items in order; its leave-one-out, and popularity ranked by a walk over its lines."""
    with gzip.open(shared_data / "parity-ids" / "s3rec_Beauty.txt.gz", "rt", encoding="utf-8") as stream:
        lines = [line.split() for line in stream][:2000]
    rows = [(line[0], item, 1_000 + place) for line in lines for place, item in enumerate(line[1:])]
    own = write_version(tmp_path, rows)
    split = make_split(own, spec_of("popularity").split)
    codes = {item: code for code, item in enumerate(own.item_ids)}
    counts = np.bincount([codes[item] for line in lines for item in line[1:-2]], minlength=own.counts.items)
    ranks = {}
    for name, *items in lines:
        *history, target = (codes[item] for item in items)
        user = own.users.index(name)
        assert split.test[user] == target
        assert split.valid[user] == history[-1]
        assert split.history(user, "test").tolist() == history
        rivals = np.setdiff1d(np.arange(own.counts.items), [*history, target])
        ranks[user] = (counts[rivals] > counts[target]).sum() + 0.5 * (counts[rivals] == counts[target]).sum()
    table = torch.from_numpy(counts.astype(np.float32)).expand(len(own.users), -1)
    found = evaluation_of(split, "test", table, remove=True)
    assert found.ranks.tolist() == [ranks[user] for user in found.users.tolist()]
    assert len(found.ranks) == 2000
