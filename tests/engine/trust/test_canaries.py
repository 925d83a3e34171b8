"""Worlds whose right answer is known: who ought to find it does, and nobody finds what is not there."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.data.split import Split
from engine.data.version import Version
from engine.evaluation.evaluator import Users
from engine.methods.sasrec.method import Implementation as Sasrec
from engine.result import Result
from engine.run import run
from tests.engine.trust.canaries import EXPECTED, LEARNING, NOTHING_TO_LEARN, OWN, WORLDS, Expected
from tests.engine.trust.subjects import Settings, spec_of
from tests.engine.trust.worlds import rows_of, version_of

Made = Callable[[str], Version]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """From a world's name to its version, each made once."""
    known: dict[str, Version] = {}

    def make(name: str) -> Version:
        if name not in known:
            world = WORLDS[name]()
            known[name] = version_of(tmp_path_factory.mktemp(name), rows_of(world.lists), len(world.titles), world.titles)
        return known[name]

    return make


def settings_of(subject: str) -> Settings:
    return {**LEARNING, **OWN.get(subject.partition(" ")[0], {})}


def learned(subject: str, world: str, made: Made, folder: Path, more: Settings | None = None) -> Result:
    return run(spec_of(subject, {**settings_of(subject), **(more or {})}), made(world), folder, lambda event: None)


def most_by_chance(world: str, users: int) -> float:
    """HR@5 that guessing passes once in some thirty thousand times."""
    chance = WORLDS[world]().hits
    return float(chance + 4 * np.sqrt(chance * (1 - chance) / users))


def assert_expected(expected: Expected | str, world: str, result: Result) -> None:
    """The bounds hold."""
    if isinstance(expected, str):
        assert result.test["hr@5"] <= most_by_chance(world, result.users_evaluated)
    else:
        assert expected.low <= result.test[expected.metric] <= expected.high


@pytest.mark.parametrize("subject", EXPECTED)
@pytest.mark.parametrize("world", WORLDS)
def test_each_method_knows_what_it_ought_to_and_no_more(world: str, subject: str, made: Made, tmp_path: Path) -> None:
    expected = EXPECTED[subject][world]
    result = learned(subject, world, made, tmp_path, NOTHING_TO_LEARN if expected == "chance" else None)
    assert result.protocol.seen == ("keep" if world == "returns" else "remove")
    assert_expected(expected, world, result)


def test_sets_do_not_tell_which_side_of_the_history_comes_next(made: Made, tmp_path: Path) -> None:
    """Without recency item neighbours give one item on either side the same score, and the target the mid-rank of two: 1/2.

    HR@1 counts such a rank as a hit, so it is the reciprocal rank that tells: 1 / (1 + 1/2).
    """
    assert learned("item-knn", "ring", made, tmp_path, {"method.recency": 1}).test["mrr@1"] == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_a_score_that_knows_the_target_is_found(
    share: float, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: at test time the model is handed the targets of all users, or of 3 in 10, and nothing else changes."""
    scorer = Sasrec.scorer

    def peeking(method: Sasrec) -> Any:
        score, targets = scorer(method), method.context.split.test

        def peek(histories: Sequence[Any], users: Users | None) -> torch.Tensor:
            scores = score(histories, users)
            for row, user in enumerate(users if users is not None else ()):
                if user % 10 < 10 * share:
                    scores[row, targets[user]] = scores[row].max() + 1
            return scores

        return peek

    monkeypatch.setattr(Sasrec, "scorer", peeking)
    result = learned("sasrec", "noise", made, tmp_path, {"training.epochs": 1})
    with pytest.raises(AssertionError):
        assert_expected("chance", "noise", result)


def test_training_on_what_is_held_out_is_found(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the training rows are all rows, so that transitions to the targets were counted."""
    version = made("noise")
    monkeypatch.setattr(Split, "__getattribute__", with_all_rows(version))
    result = learned("markov", "noise", made, tmp_path)
    monkeypatch.undo()
    with pytest.raises(AssertionError):
        assert_expected("chance", "noise", result)


def with_all_rows(version: Version) -> Callable[[Split, str], Any]:
    """What ``Split`` answers for its attributes when its training rows leak."""

    def answer(split: Split, name: str) -> Any:
        return version.sequences() if name == "train" else object.__getattribute__(split, name)

    return answer
