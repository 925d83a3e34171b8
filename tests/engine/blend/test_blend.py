from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from engine.blend.blend import STATE, Blend
from engine.blend.counts import counted_names, counted_parts
from engine.blend.spec import BlendSpec
from engine.data.split import Split, leave_one_out
from engine.data.version import Version
from engine.errors import CheckpointError, RunCancelled
from engine.evaluation.evaluator import Score
from engine.events import LogEvent
from tests.engine.blend.build import OWN, OwnParts, context

BOTH = BlendSpec(fit=True)
ALONE = BlendSpec(fit=True, counts=False)


def fitted(version: Version, workdir: Path, settings: BlendSpec = ALONE, split: Split | None = None, seed: int = 0) -> Blend:
    blend = Blend(context(version, workdir, {"training.seed": seed}, split), settings, OWN)
    blend.fit(OwnParts(version))
    return blend


def weights(blend: Blend) -> torch.Tensor:
    assert blend.weights is not None
    return blend.weights


def shown(version: Version) -> list[np.ndarray]:  # type: ignore[type-arg]
    return [version.sequences()[user] for user in range(20)]


def validation_loss(score: Score, split: Split, remove: bool) -> float:
    """Mean cross-entropy of the validation targets over the candidates, user by user."""
    users, targets = split.targets("valid")
    losses = []
    for user, target in zip(users, targets, strict=True):
        history = split.history(int(user), "valid")
        scores = score([history], [int(user)])[0].double()
        if remove and target in history:
            continue
        if remove:
            scores[history.tolist()] = -torch.inf
        losses.append(float(functional.cross_entropy(scores, torch.tensor(int(target)))))
    return float(np.mean(losses))


@pytest.mark.parametrize("settings", [BOTH, ALONE])
@pytest.mark.parametrize("seen", ["remove", "keep"])
def test_no_worse_on_validation_than_the_score_as_trained(
    settings: BlendSpec, seen: str, planted: Version, tmp_path: Path
) -> None:
    about = context(planted, tmp_path, {"evaluation.seen": seen})
    blend, own = Blend(about, settings, OWN), OwnParts(planted)
    blend.fit(own)
    found = validation_loss(blend.scorer(own), about.split, seen == "remove")
    trained = validation_loss(lambda histories, users: own(histories, users)[0], about.split, seen == "remove")
    assert found < trained - 0.01


def test_counted_models_join_and_the_score_is_the_weighted_sum(planted: Version, tmp_path: Path) -> None:
    blend, own, histories = fitted(planted, tmp_path, BOTH), OwnParts(planted), shown(planted)
    assert blend.names == (*OWN, *counted_names(blend.context))
    parts = [*own(histories, None), *counted_parts(context(planted, tmp_path))(histories, None)]
    wanted = sum(weight * part for weight, part in zip(weights(blend).tolist(), parts, strict=True))
    torch.testing.assert_close(blend.scorer(own)(histories, None), wanted)
    assert weights(blend).abs().min() > 0


def test_scoring_leaves_the_parts_as_they_are(planted: Version, tmp_path: Path) -> None:
    blend, own, histories = fitted(planted, tmp_path), OwnParts(planted), shown(planted)
    score = blend.scorer(own)
    assert torch.equal(score(histories, None), score(histories, None))
    assert torch.equal(own.near, OwnParts(planted).near)


@pytest.mark.parametrize("settings", [BOTH, ALONE])
def test_saved_weights_give_equal_scores(settings: BlendSpec, planted: Version, tmp_path: Path) -> None:
    blend, own = fitted(planted, tmp_path, settings), OwnParts(planted)
    other = Blend(context(planted, tmp_path), settings, OWN)
    rest = {"weight": torch.ones(2)}
    assert other.take({**rest, **blend.state()}) == rest
    assert other.fitted
    assert torch.equal(other.scorer(own)(shown(planted), None), blend.scorer(own)(shown(planted), None))
    other.take(rest)
    assert not other.fitted, "a state from before the fit has no weights"


def test_weights_for_other_parts_are_refused(planted: Version, tmp_path: Path) -> None:
    state = fitted(planted, tmp_path, BOTH).state()
    other = Blend(context(planted, tmp_path), ALONE, OWN)
    with pytest.raises(CheckpointError, match=r"The saved weights are \(6,\), for 2 parts"):
        other.take(state)


@pytest.mark.parametrize("settings", [BOTH, ALONE])
def test_test_targets_never_enter(settings: BlendSpec, planted: Version, tmp_path: Path) -> None:
    split = leave_one_out(planted)
    generator = np.random.default_rng(0)
    wanted = weights(fitted(planted, tmp_path, settings))
    permuted = generator.permutation(split.test)
    assert (permuted != split.test).any()
    for test in (permuted, np.full_like(split.test, -1)):
        found = weights(fitted(planted, tmp_path, settings, replace(split, test=test)))
        assert torch.equal(found, wanted)
    other = weights(fitted(planted, tmp_path, settings, replace(split, valid=generator.permutation(split.valid))))
    assert not torch.allclose(other, wanted), "validation targets do"


def test_only_validation_users_drawn_by_seed(planted: Version, tmp_path: Path) -> None:
    split = leave_one_out(planted)
    valid = split.valid.copy()
    valid[::3] = -1
    split = replace(split, valid=valid)
    drawn = []
    for seed in (0, 0, 1):
        own = OwnParts(planted)
        blend = Blend(context(planted, tmp_path, {"training.seed": seed}, split), BlendSpec(fit=True, users=30), OWN)
        blend.fit(own)
        assert len(own.seen) == len(set(own.seen)) == 30
        assert all(valid[user] >= 0 for user in own.seen)
        assert all(history == split.train[user].tolist() for user, history in own.histories.items())
        drawn.append(own.seen)
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert len(set(drawn[0]) | set(drawn[2])) > 30


def test_few_validation_users_are_all_taken(planted: Version, tmp_path: Path) -> None:
    own = OwnParts(planted)
    Blend(context(planted, tmp_path), ALONE, OWN).fit(own)
    assert own.seen == leave_one_out(planted).targets("valid")[0].tolist()


@pytest.mark.parametrize("call", ["first", "second batch", "last"])
def test_it_stops_when_asked(call: str, planted: Version, tmp_path: Path) -> None:
    asked, limit = 0, -1

    def check_stop() -> None:
        nonlocal asked
        asked += 1
        if asked == limit:
            raise RunCancelled

    about = context(planted, tmp_path, check_stop=check_stop)
    Blend(about, ALONE, OWN).fit(OwnParts(planted))
    whole = asked
    assert whole > 3 + 1, "three batches of users, then the fit"
    asked, limit = 0, {"first": 1, "second batch": 2, "last": whole}[call]
    blend = Blend(about, ALONE, OWN)
    with pytest.raises(RunCancelled):
        blend.fit(OwnParts(planted))
    assert not blend.fitted
    assert blend.state() == {}


def test_nothing_is_fitted_unless_asked_for(planted: Version, tmp_path: Path) -> None:
    own = OwnParts(planted)
    blend = Blend(context(planted, tmp_path), BlendSpec(), OWN)
    blend.fit(own)
    assert not blend.fitted
    assert blend.state() == {}
    assert own.seen == []


def test_nobody_to_learn_from(planted: Version, tmp_path: Path) -> None:
    split = leave_one_out(planted)
    assert not fitted(planted, tmp_path, split=replace(split, valid=np.full_like(split.valid, -1))).fitted


@pytest.mark.parametrize("seen", ["remove", "keep"])
def test_a_target_that_the_history_holds_teaches_only_where_it_is_a_candidate(
    seen: str, planted: Version, tmp_path: Path
) -> None:
    split = leave_one_out(planted)
    users, _ = split.targets("valid")
    valid = split.valid.copy()
    valid[users] = [split.train[int(user)][0] for user in users]
    blend = Blend(context(planted, tmp_path, {"evaluation.seen": seen}, replace(split, valid=valid)), ALONE, OWN)
    blend.fit(OwnParts(planted))
    assert blend.fitted == (seen == "keep")


def test_it_says_what_it_weighs(planted: Version, tmp_path: Path) -> None:
    told: list[str] = []
    about = replace(
        context(planted, tmp_path), report=lambda event: told.append(event.message) if isinstance(event, LogEvent) else None
    )
    Blend(about, BOTH, OWN).fit(OwnParts(planted))
    (message,) = told
    users = len(about.split.targets("valid")[0])
    assert f"blended on {users} validation users" in message
    assert all(name in message for name in (*OWN, *counted_names(about)))


def test_the_name_of_the_weights_is_no_network_parameter(planted: Version, tmp_path: Path) -> None:
    assert set(fitted(planted, tmp_path).state()) == {STATE}
