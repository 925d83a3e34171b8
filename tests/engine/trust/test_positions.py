"""Position by position: no score and no state knows the items behind it, in training windows and in batches of histories."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.collaborative.batches import history_batch
from engine.data.version import Version
from engine.methods.bert4rec.method import Implementation as Bert4rec
from engine.methods.darec.method import Implementation as Darec
from engine.methods.ensemble import EnsembleMethod
from engine.methods.item_knn.method import Implementation as ItemKnn
from engine.methods.markov.method import Implementation as Markov
from engine.methods.method import Method
from engine.methods.pairwise import PairwiseMethod
from engine.methods.popularity.method import Implementation as Popularity
from engine.recommend import Recommender
from engine.run import run
from tests.engine.methods.darec.build import ranking_states
from tests.engine.trust.conftest import ITEMS
from tests.engine.trust.subjects import ASKED, spec_of

HISTORY = np.array([3, 14, 15, 9, 26, 5], np.int32)


@pytest.mark.parametrize("subject", ASKED)
def test_no_history_of_a_batch_knows_another(subject: str, plain: Version, tmp_path: Path) -> None:
    """The beginnings of one history side by side: items after the k-th do not move the scores after the k-th by a bit."""
    run(spec_of(subject, {"training.threads": 1, "training.epochs": 1}), plain, tmp_path, lambda event: None)
    method = Recommender.open(tmp_path, plain).method
    history, changed = HISTORY, HISTORY.copy()
    changed[4:] = [38, 1]
    before, after = (method.score([items[:length] for length in range(1, 7)], None) for items in (history, changed))
    assert torch.equal(before[:4], after[:4])
    moved = (before[4:] != after[4:]).any()
    assert bool(moved) == (method.context.spec.method.id != "popularity")


@torch.no_grad()
def ranking_at_each_place(method: Method[Any], items: NDArray[np.int32]) -> list[torch.Tensor]:
    """What training ranks with after each item of a history, `places x d`, of each network; none where nothing is read in order.

    Raises NotImplementedError for a kind of method that is not known here, so that none is forgotten.
    """
    if isinstance(method, Darec):
        return [ranking_states(method, items.tolist())]
    if isinstance(method, EnsembleMethod | PairwiseMethod):
        networks = method.networks if isinstance(method, EnsembleMethod) else [method.network]
        batch = history_batch([items], len(items), ITEMS, torch.device("cpu"))
        return [network.states(*batch, network.catalogue())[0] for network in networks]
    if isinstance(method, Bert4rec | Popularity | Markov | ItemKnn):
        return []  # masks see both sides in training, and scores ask behind the last item; counts read single rows
    raise NotImplementedError(type(method))


@pytest.mark.parametrize("subject", ASKED)
def test_no_place_of_a_training_window_knows_what_comes_after(subject: str, plain: Version, tmp_path: Path) -> None:
    """All places of a window are targets at once: what ranks at each of them may know the items up to there and no more."""
    run(spec_of(subject, {"training.threads": 1, "training.epochs": 1}), plain, tmp_path, lambda event: None)
    method = Recommender.open(tmp_path, plain).method
    before = ranking_at_each_place(method, HISTORY)
    for place in range(1, len(HISTORY)):
        changed = HISTORY.copy()
        changed[place:] = (HISTORY[place:] + 17) % ITEMS
        for one, other in zip(before, ranking_at_each_place(method, changed), strict=True):
            torch.testing.assert_close(one[:place], other[:place], atol=1e-6, rtol=1e-5)
            assert (one[place] - other[place]).abs().max() > 1e-5
