"""Inner products of the exported vectors are the score, or the part of it that the sheet names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from engine.data.version import Version
from engine.errors import UserError
from engine.neighbours.vectors import ABOUT, ITEMS, TENSORS, USERS, write_vectors
from engine.recommend import Recommender
from engine.run import run
from tests.engine.methods.runs import preset_darec, small_spec

WHOLE = ["sasrec", "gru4rec", "hstu", "bert4rec", "bpr-mf", "lightgcn", "darec"]


def exported(recommender: Recommender, histories: Any, folder: Path) -> tuple[dict[str, Any], torch.Tensor, list[int]]:
    """The sheet, all inner products from the Parquet files, and the users' indexes."""
    about = write_vectors(recommender, histories, folder)
    assert json.loads((folder / ABOUT).read_text(encoding="utf-8")) == about
    tensors = load_file(folder / TENSORS)
    items, users = pl.read_parquet(folder / ITEMS), pl.read_parquet(folder / USERS)
    version = recommender.version
    assert items["id"].to_list() == version.item_ids
    assert users["id"].to_list() == [version.users[index] for index in users["index"]]
    of_items, of_users = items["vector"].to_numpy(), users["vector"].to_numpy()
    assert of_items.dtype == of_users.dtype == np.float32
    assert np.array_equal(of_items, tensors["items"].numpy())
    assert np.array_equal(of_users, tensors["users"].numpy())
    assert (about["items"], about["users"], about["dimensions"]) == (len(of_items), len(of_users), of_items.shape[1])
    return about, torch.from_numpy(of_users @ of_items.T), users["index"].to_list()


@pytest.mark.parametrize("method", WHOLE)
def test_products_are_the_score(method: str, planted: Version, tmp_path: Path) -> None:
    run(small_spec(method, {"training.epochs": 1}), planted, tmp_path / "run", lambda event: None)
    opened = Recommender.open(tmp_path / "run", planted, "cpu")
    for histories in ("test", "all"):
        about, products, users = exported(opened, histories, tmp_path / histories)
        assert about["whole_score"]
        assert about["product"].startswith("the whole score")
        read = planted.sequences() if histories == "all" else opened.split.before["test"]
        scores = opened.method.score([read[user] for user in users], users).float()
        torch.testing.assert_close(products, scores, atol=1e-4, rtol=1e-4)
        # The ranking is the score's, but for neighbours whose scores differ by rounding alone.
        order = products.argsort(dim=1, descending=True)
        assert (scores.gather(1, order).diff(dim=1) < 1e-3).all()


@pytest.mark.parametrize("method", ["sasrec", "darec"])
def test_of_a_blended_score_the_counted_models_are_missing(method: str, planted: Version, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"training.epochs": 1, "method.blend.fit": True, "method.blend.counts": True}
    spec = preset_darec(settings) if method == "darec" else small_spec(method, settings)
    run(spec, planted, tmp_path / "run", lambda event: None)
    opened = Recommender.open(tmp_path / "run", planted, "cpu")
    about, products, users = exported(opened, "test", tmp_path / "out")
    assert not about["whole_score"]
    assert about["missing"] == ["markov", "rules", "item-knn", "popularity"]
    assert "of a score that has markov, rules, item-knn, popularity too" in about["product"]
    blend: Any = opened.method.blend  # type: ignore[attr-defined]
    histories = [opened.split.history(user, "test") for user in users]
    own: Any = opened.method._parts()  # type: ignore[attr-defined]
    parts = own(histories, users)
    expected = sum(weight * part for weight, part in zip(blend.weights.tolist(), parts, strict=False))
    torch.testing.assert_close(products, expected, atol=1e-3, rtol=1e-3)
    counted = blend._counted(histories, users)
    whole = expected + sum(weight * part for weight, part in zip(blend.weights.tolist()[len(parts) :], counted, strict=True))
    torch.testing.assert_close(whole, opened.method.score(histories, users), atol=1e-3, rtol=1e-3)


def test_an_ensemble_has_vectors_where_it_is_blended(planted: Version, tmp_path: Path) -> None:
    both: dict[str, Any] = {"training.epochs": 1, "method.members": 2}
    run(small_spec("sasrec", both), planted, tmp_path / "plain", lambda event: None)
    with pytest.raises(UserError, match="sasrec of this run has no vectors"):
        write_vectors(Recommender.open(tmp_path / "plain", planted, "cpu"), "test", tmp_path / "none")
    run(
        small_spec("sasrec", {**both, "method.blend.fit": True, "method.blend.counts": False}),
        planted,
        tmp_path / "blended",
        lambda event: None,
    )
    opened = Recommender.open(tmp_path / "blended", planted, "cpu")
    about, products, users = exported(opened, "test", tmp_path / "out")
    assert about["whole_score"]
    assert about["dimensions"] == 64
    scores = opened.method.score([opened.split.history(user, "test") for user in users], users)
    torch.testing.assert_close(products, scores, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("method", ["popularity", "markov", "item-knn"])
def test_others_say_that_they_have_none(method: str, planted: Version, tmp_path: Path) -> None:
    run(small_spec(method), planted, tmp_path / "run", lambda event: None)
    with pytest.raises(UserError, match=f"{method} of this run has no vectors"):
        write_vectors(Recommender.open(tmp_path / "run", planted, "cpu"), "all", tmp_path / "out")
    assert not (tmp_path / "out").exists()
