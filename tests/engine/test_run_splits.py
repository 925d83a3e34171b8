"""Whole runs under every kind of split, and with imported candidates."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.data.parts import TEST, TRAIN, VALID
from engine.data.prepare import prepare
from engine.data.raw import RawData
from engine.data.read import read_raw
from engine.data.splits import make_split
from engine.data.version import Version
from engine.errors import DataError, RunCancelled
from engine.recommend import Recommender
from engine.result import Result
from engine.run import run
from engine.spec import FilterSpec, SplitSpec
from tests.engine.methods.runs import small_spec
from tests.engine.methods.test_behaviour import comparable, same, stop_after, trained

Settings = dict[str, Any]
TEMPORAL: Settings = {"split.kind": "temporal", "split.valid_from": 0.6, "split.test_from": 0.8}
USER_RATIO: Settings = {"split.kind": "user-ratio", "split.test_users": 0.2}
IMPORTED: Settings = {"split.kind": "imported"}
IMPORTED_CANDIDATES: Settings = {"evaluation.candidates": "imported"}
QUICK: Settings = {"training.epochs": 1}


def raw_of(version: Version) -> RawData:
    """The data that ``version`` was made from."""
    users, items = pl.Series(version.users), version.items["id"]
    frame = pl.DataFrame(
        {
            "user": users.gather(version.user),
            "item": items.gather(version.item),
            "timestamp": version.timestamp,
            "weight": version.weight,
        }
    )
    return RawData(frame, version.items.drop("index"), {}, version.manifest.time)


@pytest.fixture(scope="module")
def labelled(planted: Version, tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The planted version with leave-one-out as a split of its own, and lists of 20 candidates for most users."""
    last = np.flatnonzero(np.append(np.diff(planted.user) != 0, True))
    part = np.full(len(planted.user), TRAIN)
    part[last - 1], part[last] = VALID, TEST
    raw = raw_of(planted)
    chance = np.random.default_rng(0)
    pairs = [(user, str(item)) for user in planted.users[5:] for item in chance.choice(planted.item_ids, 20, replace=False)]
    raw = replace(
        raw,
        interactions=raw.interactions.with_columns(part=part),
        candidates=pl.DataFrame(pairs, schema={"user": pl.String, "item": pl.String}, orient="row"),
    )
    return prepare(raw, FilterSpec(core=0), tmp_path_factory.mktemp("labelled") / "version")


def fit(method: str, settings: Settings, version: Version, folder: Path) -> Result:
    return run(small_spec(method, {**QUICK, **settings}), version, folder, lambda event: None)


@pytest.mark.parametrize("settings", [TEMPORAL, USER_RATIO, IMPORTED], ids=["temporal", "user-ratio", "imported"])
@pytest.mark.parametrize("method", ["popularity", "markov", "sasrec", "darec"])
def test_a_run_under_each_split(method: str, settings: Settings, labelled: Version, tmp_path: Path) -> None:
    result = fit(method, settings, labelled, tmp_path)
    split = make_split(labelled, small_spec(method, settings).split)
    assert (result.protocol.split, result.protocol.split_hash) == (split.name, split.hash)
    assert result.protocol.split.startswith(settings["split.kind"])
    assert result.users_evaluated == len(split.targets("test")[0])
    assert result.warnings[: len(split.notices)] == list(split.notices)
    assert sum(line.users for line in result.slices if line.of == "users") == result.users_evaluated
    assert sum(line.users for line in result.slices if line.of == "items") == result.users_evaluated
    sample = result.samples[0]
    user = labelled.users.index(sample.user)
    history = split.history(user, "test")
    assert sample.target.id == labelled.item_ids[split.test[user]]
    assert [line.id for line in sample.history] == [labelled.item_ids[item] for item in history[-10:]]
    found = Recommender.open(tmp_path).recommend(history, 10, sample.user)["recommended"]
    np.testing.assert_allclose([item["score"] for item in found], [item.score for item in sample.recommended], atol=1e-5)


@pytest.mark.parametrize("method", ["item-knn", "bpr-mf", "lightgcn", "gru4rec", "bert4rec", "hstu"])
def test_methods_rank_for_users_whom_they_never_saw(method: str, planted: Version, tmp_path: Path) -> None:
    result = fit(method, {**USER_RATIO, "training.epochs": 2}, planted, tmp_path)
    assert result.users_evaluated == 30
    assert 0 < result.test["mrr@20"] < 1


@pytest.mark.parametrize("method", ["bpr-mf", "lightgcn"])
def test_vectors_of_users_without_training_rows_are_not_used(method: str, planted: Version, tmp_path: Path) -> None:
    spec: Settings = {**USER_RATIO, "method.users": "vector"}
    result = fit(method, spec, planted, tmp_path)
    opened = Recommender.open(tmp_path)
    user = result.samples[0].user
    history = opened.history_of(user)
    as_stranger, as_known = opened.recommend(history, 10), opened.recommend(history, 10, user)
    assert as_stranger["recommended"] == as_known["recommended"]
    trainer = next(name for index, name in enumerate(planted.users) if len(opened.method.context.split.train[index]))
    own = opened.history_of(trainer)
    assert opened.recommend(own, 10)["recommended"] != opened.recommend(own, 10, trainer)["recommended"]


@pytest.mark.parametrize("settings", [TEMPORAL, USER_RATIO, IMPORTED], ids=["temporal", "user-ratio", "imported"])
def test_popularity_counts_no_held_out_row(settings: Settings, labelled: Version, tmp_path: Path) -> None:
    fit("popularity", settings, labelled, tmp_path)
    rows = pl.DataFrame({"user": labelled.user, "item": labelled.item, "time": labelled.timestamp, "part": labelled.part})
    if settings is TEMPORAL:
        rows = rows.filter(pl.col("time") < rows["time"].sort()[round(0.6 * rows.height)])
    elif settings is USER_RATIO:
        split = make_split(labelled, small_spec("popularity", settings).split)
        held_out = [user for part in ("valid", "test") for user in split.targets(part)[0]]  # type: ignore[arg-type]
        rows = rows.filter(~pl.col("user").is_in(held_out))
        assert len(held_out) == 45
    else:
        rows = rows.filter(pl.col("part") == TRAIN)
    expected = np.bincount(rows["item"].to_numpy(), minlength=labelled.counts.items)
    assert trained(tmp_path)["counts"].tolist() == expected.tolist()


@pytest.mark.parametrize("method", ["markov", "sasrec"])
def test_leave_one_out_told_by_the_data_gives_the_same_numbers(method: str, labelled: Version, tmp_path: Path) -> None:
    own = fit(method, {}, labelled, tmp_path / "own")
    told = fit(method, IMPORTED, labelled, tmp_path / "told")
    assert (own.test, own.valid, own.curve) == (told.test, told.valid, told.curve)
    assert own.protocol != told.protocol


def test_the_cf_model_is_not_taken_over_from_another_split(planted: Version, tmp_path: Path) -> None:
    """The CF model trained alone is reused by recipe; another split is another recipe."""
    settings = {"training.epochs": 2, "method.injection.reuse": True}
    fit("darec", settings, planted, tmp_path / "first")
    events: list[Any] = []
    run(small_spec("darec", {**settings, **TEMPORAL}), planted, tmp_path / "other", events.append)
    assert not any("taken over" in getattr(event, "message", "") for event in events)
    events.clear()
    run(small_spec("darec", {**settings, **TEMPORAL}), planted, tmp_path / "again", events.append)
    assert any("taken over" in getattr(event, "message", "") for event in events)


@pytest.mark.parametrize("settings", [TEMPORAL, USER_RATIO], ids=["temporal", "user-ratio"])
def test_stopping_and_going_on_changes_nothing(settings: Settings, planted: Version, tmp_path: Path) -> None:
    spec = small_spec("sasrec", settings)
    whole = run(spec, planted, tmp_path / "whole", lambda event: None)
    with pytest.raises(RunCancelled):
        run(spec, planted, tmp_path / "parts", lambda event: None, should_stop=stop_after(3))
    parts = run(spec, planted, tmp_path / "parts", lambda event: None)
    assert comparable(whole) == comparable(parts)
    assert same(trained(tmp_path / "whole"), trained(tmp_path / "parts"))


def test_imported_candidates_are_all_that_is_ranked(labelled: Version, tmp_path: Path) -> None:
    full = fit("popularity", {}, labelled, tmp_path / "full")
    few = fit("popularity", IMPORTED_CANDIDATES, labelled, tmp_path / "few")
    assert few.users_evaluated == full.users_evaluated - 5
    assert few.valid == full.valid
    assert few.protocol.model_dump(exclude={"candidates"}) == full.protocol.model_dump(exclude={"candidates"})
    assert (few.protocol.candidates, full.protocol.candidates) == ("imported", "full")
    assert few.warnings[0].startswith("Test targets are ranked among imported candidates")
    counts = trained(tmp_path / "few")["counts"].numpy()
    split = make_split(labelled, SplitSpec())
    lists = pl.DataFrame(labelled.candidates).group_by("user").agg("item")
    candidates = dict(lists.iter_rows())
    for user, rank in pl.read_parquet(tmp_path / "few" / "ranks_test.parquet").iter_rows():
        target, seen = split.test[user], set(split.history(user, "test").tolist())
        rivals = [item for item in candidates[user] if item != target and item not in seen]
        higher = sum(counts[item] > counts[target] for item in rivals)
        equal = sum(counts[item] == counts[target] for item in rivals)
        assert rank == higher + equal / 2
    for sample in few.samples:
        allowed = {*candidates[labelled.users.index(sample.user)], labelled.item_ids.index(sample.target.id)}
        assert {labelled.item_ids.index(item.id) for item in sample.recommended} <= allowed


def test_candidates_that_are_not_there_end_the_run(planted: Version, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="hold no candidate lists"):
        fit("popularity", IMPORTED_CANDIDATES, planted, tmp_path)


def test_temporal_popularity_on_real_data(shared_data: Path, tmp_path: Path) -> None:
    version = prepare(read_raw(shared_data / "ml-100k"), FilterSpec(core=5), tmp_path / "version")
    result = fit("popularity", {"split.kind": "temporal"}, version, tmp_path / "run")
    assert result.protocol.split == "temporal (validation from 1998-03-06, test from 1998-03-31)"
    assert result.users_evaluated == 89
    assert result.warnings == [
        "Users whose target has nothing before it are not evaluated: 116 of the validation and 77 of the test."
    ]
