from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.errors import RunCancelled
from engine.evaluation.evaluator import History, evaluate
from tests.engine.conftest import write_version


@pytest.fixture
def version(tmp_path: Path) -> Version:
    rows = [("u", item, time) for time, item in enumerate("abcd")] + [("v", item, time) for time, item in enumerate("dcb")]
    return write_version(tmp_path, rows)


def by_index(histories: Sequence[History], users: object = None) -> torch.Tensor:
    return torch.arange(4.0).repeat(len(histories), 1)  # d is best, then c, b, a


def test_ranks_after_removing_what_was_seen(version: Version) -> None:
    found = evaluate(by_index, leave_one_out(version), "test", catalogue=4, remove_seen=True, batch_users=1)
    assert found.users.tolist() == [0, 1]
    assert found.ranks.tolist() == [0.0, 0.0]  # u: only d is left; v: after d and c, b is best
    assert found.lists[0, :4].tolist() == [3, -1, -1, -1]
    assert found.metrics["hr@1"] == 1.0


def test_ranks_with_what_was_seen(version: Version) -> None:
    found = evaluate(by_index, leave_one_out(version), "test", catalogue=4, remove_seen=False, batch_users=8)
    assert found.ranks.tolist() == [0.0, 2.0]
    assert found.lists[1, :5].tolist() == [3, 2, 1, 0, -1]


def test_validation_does_not_show_the_validation_item(version: Version) -> None:
    seen: list[list[int]] = []

    def remember(histories: Sequence[History], users: object) -> torch.Tensor:
        seen.extend(history.tolist() for history in histories)
        return by_index(histories)

    split = leave_one_out(version)
    evaluate(remember, split, "valid", catalogue=4, remove_seen=True, batch_users=8)
    assert seen == [[0, 1], [3]]
    seen.clear()
    evaluate(remember, split, "test", catalogue=4, remove_seen=True, batch_users=8)
    assert seen == [[0, 1, 2], [3, 2]]


def test_batches_do_not_change_the_numbers_and_can_stop(planted: Version) -> None:
    split = leave_one_out(planted)
    items = planted.counts.items
    table = torch.randn(items, items, generator=torch.Generator().manual_seed(0))

    def after_last(histories: Sequence[History], users: object) -> torch.Tensor:
        return table[[int(history[-1]) for history in histories]]

    one = evaluate(after_last, split, "test", catalogue=items, remove_seen=True, batch_users=1)
    many = evaluate(after_last, split, "test", catalogue=items, remove_seen=True, batch_users=64)
    np.testing.assert_array_equal(one.ranks, many.ranks)
    assert one.metrics == many.metrics

    def stop(done: int, total: int) -> None:
        raise RunCancelled

    with pytest.raises(RunCancelled):
        evaluate(after_last, split, "test", catalogue=items, remove_seen=True, batch_users=64, on_batch=stop)


def test_random_scores_are_at_chance(planted: Version) -> None:
    items = planted.counts.items
    generator = torch.Generator().manual_seed(0)

    def random(histories: Sequence[History], users: object) -> torch.Tensor:
        return torch.randn(len(histories), items, generator=generator)

    found = evaluate(random, leave_one_out(planted), "test", catalogue=items, remove_seen=False, batch_users=64)
    assert found.metrics["hr@10"] == pytest.approx(10 / items, abs=0.1)


def test_ranks_are_stored_for_paired_tests(version: Version, tmp_path: Path) -> None:
    found = evaluate(by_index, leave_one_out(version), "test", catalogue=4, remove_seen=False, batch_users=8)
    found.save_ranks(tmp_path / "ranks.parquet")
    assert pl.read_parquet(tmp_path / "ranks.parquet").rows() == [(0, 0.0), (1, 2.0)]
