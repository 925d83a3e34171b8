"""A finished run answers as it was evaluated."""

from pathlib import Path

import numpy as np
import pytest

from engine.data.version import Version, read_version
from engine.errors import UserError
from engine.evaluation.compare import read_ranks
from engine.recommend import Recommender
from engine.run import run
from tests.engine.conftest import write_version
from tests.engine.methods.runs import PRESETS, small_spec


@pytest.mark.parametrize("method", PRESETS)
def test_every_method_answers_for_users_of_the_test_as_it_was_judged(method: str, planted: Version, tmp_path: Path) -> None:
    result = run(small_spec(method, {"training.epochs": 1}), planted, tmp_path, lambda event: None)
    opened = Recommender.open(tmp_path, planted, "cpu")
    ranks = read_ranks(tmp_path / "ranks_test.parquet")
    for sample in result.samples[:3]:
        found = opened.test_user(sample.user, 10)
        assert found["target"] == sample.target.model_dump()
        assert found["rank"] == sample.rank == ranks.ranks[np.searchsorted(ranks.users, planted.users.index(sample.user))]
        assert [line.model_dump() for line in sample.history] == found["history"][-len(sample.history) :]
        scores = [item["score"] for item in found["recommended"]]
        np.testing.assert_allclose(scores, [item.score for item in sample.recommended], atol=1e-5)
        assert not any(item["seen"] for item in found["recommended"])
    free = opened.recommend(opened.items([planted.item_ids[3], planted.item_ids[7]]), 5)
    assert [line["id"] for line in free["history"]] == [planted.item_ids[3], planted.item_ids[7]]
    assert len(free["recommended"]) == 5
    assert sorted((line["score"] for line in free["recommended"]), reverse=True) == [x["score"] for x in free["recommended"]]
    assert opened.recommend(opened.items([planted.item_ids[3], planted.item_ids[7]]), 5) == free, "what is kept is not changed"


def test_items_of_the_history_are_marked_where_they_are_kept(tmp_path: Path) -> None:
    rows = [(user, item, time) for user in "uvw" for time, item in enumerate("ababab")] + [("x", "a", 0)]
    version = write_version(tmp_path, rows)
    run(small_spec("popularity"), version, tmp_path / "run", lambda event: None)
    opened = Recommender.open(tmp_path / "run")
    assert {line["id"]: line["seen"] for line in opened.recommend(opened.items(["a"]), 5)["recommended"]} == {
        "a": True,
        "b": False,
    }
    left_out = opened.test_user("x", 5)
    assert (left_out["target"], left_out["rank"], [line["id"] for line in left_out["history"]]) == (None, None, ["a"])
    with pytest.raises(UserError, match="no user 'nobody'"):
        opened.test_user("nobody", 5)


def test_another_version_is_refused(planted: Version, tmp_path: Path) -> None:
    run(small_spec("popularity"), planted, tmp_path / "run", lambda event: None)
    other = write_version(tmp_path / "other", [(user, item, time) for user in "uv" for time, item in enumerate("abcd")])
    with pytest.raises(UserError, match="another version"):
        Recommender.open(tmp_path / "run", read_version(other.path))
