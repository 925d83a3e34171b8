from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.data.version import Version
from engine.errors import RunCancelled
from engine.events import LogEvent
from engine.methods.sasrec.method import standardised_sum
from engine.recommend import Recommender
from engine.run import run
from engine.training.checkpoint import load_tensors
from tests.engine.methods.runs import small_spec
from tests.engine.methods.test_behaviour import LEARNING, comparable, same, stop_after, trained


def tensors(folder: Path, prefix: str = "") -> dict[str, torch.Tensor]:
    weights = load_tensors(folder / "model" / "model.safetensors")
    return {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}


@pytest.mark.parametrize(
    "settings",
    [
        {"method.loss": "gbce", "method.negatives": 16, "training.batch_size": 16},  # its first steps are slow
        {"method.loss": "bce", "method.negatives": 4},
        {"method.softmax": "chunked", "method.chunk": 7},
        {"method.softmax": "sampled", "method.samples": 20},
    ],
)
def test_every_loss_learns_the_planted_pattern(settings: dict[str, Any], planted: Version, tmp_path: Path) -> None:
    result = run(small_spec("sasrec", {**LEARNING, **settings}), planted, tmp_path / "run", lambda event: None)
    baseline = run(small_spec("popularity"), planted, tmp_path / "popularity", lambda event: None)
    assert result.test["ndcg@10"] > 1.5 * baseline.test["ndcg@10"]


def test_chunks_train_to_the_model_of_the_full_softmax(planted: Version, tmp_path: Path) -> None:
    run(small_spec("sasrec"), planted, tmp_path / "full", lambda event: None)
    run(small_spec("sasrec", {"method.softmax": "chunked", "method.chunk": 16}), planted, tmp_path / "parts", lambda event: None)
    full, parts = tensors(tmp_path / "full"), tensors(tmp_path / "parts")
    for name, weight in full.items():
        torch.testing.assert_close(parts[name], weight, atol=2e-3, rtol=0)


def test_members_are_networks_of_their_own(planted: Version, tmp_path: Path) -> None:
    """The first one's start and batches are those of the single network; the second one's are not."""
    settings = {"training.epochs": 1}
    alone = run(small_spec("sasrec", settings), planted, tmp_path / "alone", lambda event: None)
    stages = []
    spec = small_spec("sasrec", {**settings, "method.members": 2})
    result = run(spec, planted, tmp_path / "two", lambda event: stages.append(event) if isinstance(event, LogEvent) else None)
    first, second = tensors(tmp_path / "two", "0."), tensors(tmp_path / "two", "1.")
    single = tensors(tmp_path / "alone")
    assert first.keys() == second.keys() == single.keys()
    assert not same(first, second)
    assert [event.message.split(":")[0] for event in stages] == ["SASRec 1 of 2", "SASRec 2 of 2"]
    assert result.trainable_parameters == 2 * alone.trainable_parameters
    assert result.epochs == 2


def test_an_ensemble_ranks_by_the_sum_of_standardised_scores(planted: Version, tmp_path: Path) -> None:
    run(small_spec("sasrec", {"method.members": 2}), planted, tmp_path, lambda event: None)
    method = Recommender.open(tmp_path).method
    histories = [np.array([1, 5, 2], dtype=np.int32), np.array([7], dtype=np.int32)]
    wanted = torch.zeros(2, planted.counts.items)
    for network in method.networks:  # type: ignore[attr-defined]
        scores = network.scorer()(histories, None)
        for row in range(2):
            wanted[row] += (scores[row] - scores[row].mean()) / np.std(scores[row].numpy())
    torch.testing.assert_close(method.score(histories), wanted)


def test_a_member_without_an_opinion_says_nothing() -> None:
    flat, sharp = torch.full((1, 4), 0.3), torch.tensor([[1.0, 2.0, 3.0, 5.0]])
    both = standardised_sum([lambda h, u: flat, lambda h, u: sharp], [], None)
    torch.testing.assert_close(both, standardised_sum([lambda h, u: sharp], [], None))


@pytest.mark.parametrize("calls", [5, 9])
def test_an_ensemble_goes_on_where_it_stopped(calls: int, planted: Version, tmp_path: Path) -> None:
    spec = small_spec("sasrec", {"method.members": 2})
    whole = run(spec, planted, tmp_path / "whole", lambda event: None)
    with pytest.raises(RunCancelled):
        run(spec, planted, tmp_path / "parts", lambda event: None, should_stop=stop_after(calls))
    parts = run(spec, planted, tmp_path / "parts", lambda event: None)
    assert comparable(whole) == comparable(parts)
    assert same(trained(tmp_path / "whole"), trained(tmp_path / "parts"))
