"""What methods that may be an ensemble of networks, blended or not, share."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.blend.blend import STATE
from engine.data.version import Version
from engine.errors import RunCancelled
from engine.events import LogEvent
from engine.methods.ensemble import EnsembleMethod, standardised_sum
from engine.recommend import Recommender
from engine.run import run
from tests.engine.methods.blending import assert_saved_scores, stop_while_blending
from tests.engine.methods.runs import small_spec
from tests.engine.methods.test_behaviour import comparable, same, stop_after, trained

TITLES = {"sasrec": "SASRec", "hstu": "HSTU", "gru4rec": "GRU4Rec"}
BLENDED = {"method.blend.fit": True, "method.blend.users": 60}


def tensors(folder: Path, prefix: str = "") -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): weight for name, weight in trained(folder).items() if name.startswith(prefix)}


def ensemble(folder: Path) -> EnsembleMethod[Any, Any]:
    method = Recommender.open(folder).method
    assert isinstance(method, EnsembleMethod)
    return method


@pytest.mark.parametrize("method", TITLES)
def test_members_are_networks_of_their_own(method: str, planted: Version, tmp_path: Path) -> None:
    """The first one's start and batches are those of the single network; the second one's are not."""
    settings = {"training.epochs": 1}
    alone = run(small_spec(method, settings), planted, tmp_path / "alone", lambda event: None)
    stages = []
    spec = small_spec(method, {**settings, "method.members": 2})
    result = run(spec, planted, tmp_path / "two", lambda event: stages.append(event) if isinstance(event, LogEvent) else None)
    first, second = tensors(tmp_path / "two", "0."), tensors(tmp_path / "two", "1.")
    single = tensors(tmp_path / "alone")
    assert first.keys() == second.keys() == single.keys()
    assert not same(first, second)
    title = TITLES[method]
    assert [event.message.split(":")[0] for event in stages] == [f"{title} 1 of 2", f"{title} 2 of 2"]
    assert result.trainable_parameters == 2 * alone.trainable_parameters
    assert result.epochs == 2


@pytest.mark.parametrize("method", TITLES)
def test_an_ensemble_ranks_by_the_sum_of_standardised_scores(method: str, planted: Version, tmp_path: Path) -> None:
    run(small_spec(method, {"method.members": 2}), planted, tmp_path, lambda event: None)
    opened = ensemble(tmp_path)
    histories = [np.array([1, 5, 2], dtype=np.int32), np.array([7], dtype=np.int32)]
    wanted = torch.zeros(2, planted.counts.items)
    for network in opened.networks:
        scores = network.scorer()(histories, None)
        for row in range(2):
            wanted[row] += (scores[row] - scores[row].mean()) / np.std(scores[row].numpy())
    torch.testing.assert_close(opened.score(histories), wanted)


def test_a_member_without_an_opinion_says_nothing() -> None:
    flat, sharp = torch.full((1, 4), 0.3), torch.tensor([[1.0, 2.0, 3.0, 5.0]])
    both = standardised_sum([lambda h, u: flat, lambda h, u: sharp], [], None)
    torch.testing.assert_close(both, standardised_sum([lambda h, u: sharp], [], None))


@pytest.mark.parametrize("method", TITLES)
@pytest.mark.parametrize("calls", [5, 9])
def test_an_ensemble_goes_on_where_it_stopped(method: str, calls: int, planted: Version, tmp_path: Path) -> None:
    spec = small_spec(method, {"method.members": 2, **BLENDED})
    whole = run(spec, planted, tmp_path / "whole", lambda event: None)
    with pytest.raises(RunCancelled):
        run(spec, planted, tmp_path / "parts", lambda event: None, should_stop=stop_after(calls))
    parts = run(spec, planted, tmp_path / "parts", lambda event: None)
    assert comparable(whole) == comparable(parts)
    assert same(trained(tmp_path / "whole"), trained(tmp_path / "parts"))


@pytest.mark.parametrize("method", TITLES)
@pytest.mark.parametrize("members", [1, 2])
def test_a_blend_that_is_stopped_starts_again(method: str, members: int, planted: Version, tmp_path: Path) -> None:
    spec = small_spec(method, {"method.members": members, **BLENDED})
    whole = run(spec, planted, tmp_path / "whole", lambda event: None)
    assert_saved_scores(tmp_path / "whole", whole, planted)
    stop_while_blending(spec, planted, tmp_path / "parts")
    parts = run(spec, planted, tmp_path / "parts", lambda event: None)
    assert comparable(whole) == comparable(parts)
    assert same(trained(tmp_path / "whole"), trained(tmp_path / "parts"))


@pytest.mark.parametrize("method", TITLES)
def test_a_blend_trains_the_same_networks(method: str, planted: Version, tmp_path: Path) -> None:
    """It changes nothing but weights behind them, one a member without counted models."""
    settings = {"method.members": 2, "method.blend.counts": False}
    run(small_spec(method, settings), planted, tmp_path / "without", lambda event: None)
    run(small_spec(method, {**settings, "method.blend.fit": True}), planted, tmp_path / "with", lambda event: None)
    blended = trained(tmp_path / "with")
    weights = blended.pop(STATE)
    assert weights.shape == (2,)
    assert same(blended, trained(tmp_path / "without"))
    opened = ensemble(tmp_path / "with")
    histories = [np.array([1, 5, 2], dtype=np.int32)]
    wanted = sum(
        weight * network.scorer()(histories, None) for weight, network in zip(weights.tolist(), opened.networks, strict=True)
    )
    torch.testing.assert_close(opened.score(histories), wanted)


def test_counted_models_help_a_network_that_learned_nothing(planted: Version, tmp_path: Path) -> None:
    settings = {"training.epochs": 1, "training.learning_rate": 1e-6}
    alone = run(small_spec("sasrec", settings), planted, tmp_path / "alone", lambda event: None)
    blended = run(small_spec("sasrec", {**settings, "method.blend.fit": True}), planted, tmp_path / "blended", lambda event: None)
    assert blended.test["ndcg@10"] > 2 * alone.test["ndcg@10"]
