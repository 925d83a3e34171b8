import numpy as np
import pytest
import torch
from torchmetrics.functional.retrieval import retrieval_hit_rate, retrieval_normalized_dcg, retrieval_reciprocal_rank

from engine.evaluation.metrics import CUTOFFS, METRICS, Evidence, compute_metrics, per_user, register_metric
from engine.evaluation.ranks import mid_ranks


def test_agrees_with_torchmetrics_on_rankings_without_ties() -> None:
    generator = torch.Generator().manual_seed(7)
    users, items = 60, 50
    scores = torch.stack([torch.randperm(items, generator=generator) for _ in range(users)]).float()
    targets = torch.randint(items, (users,), generator=generator)
    relevance = torch.zeros(users, items, dtype=torch.long)
    relevance[torch.arange(users), targets] = 1
    ranks = mid_ranks(scores.clone(), targets).numpy()
    ours = compute_metrics(Evidence(ranks, np.zeros((users, 20), np.int32), items))
    public = {"hr": retrieval_hit_rate, "ndcg": retrieval_normalized_dcg, "mrr": retrieval_reciprocal_rank}
    for name, function in public.items():
        for cutoff in CUTOFFS:
            theirs = np.mean([float(function(scores[row], relevance[row], top_k=cutoff)) for row in range(users)])
            assert ours[f"{name}@{cutoff}"] == pytest.approx(theirs, abs=1e-6), (name, cutoff)
    assert 0 < ours["hr@10"] < 1


def test_values_by_hand() -> None:
    ranks = np.array([0.0, 1.0, 9.0, 9.5, 10.0])
    assert per_user("hr", ranks, 10).tolist() == [1, 1, 1, 1, 0]
    assert per_user("ndcg", ranks, 10)[:3] == pytest.approx([1, 1 / np.log2(3), 1 / np.log2(11)])
    assert per_user("mrr", ranks, 10)[:2].tolist() == [1, 0.5]


def test_coverage_counts_distinct_items_and_no_padding() -> None:
    lists = np.full((2, 20), -1, np.int32)
    lists[0, :2], lists[1, :2] = [3, 4], [4, 5]
    values = compute_metrics(Evidence(np.zeros(2), lists, 10))
    assert values["coverage@1"] == pytest.approx(0.2)
    assert values["coverage@10"] == pytest.approx(0.3)


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered already"):
        register_metric("hr", METRICS.get("hr"))
