"""Real BoTorch and Optuna throughout; only the broken fit is made by replacing the function that fits."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from botorch.exceptions.errors import ModelFittingError

from engine.search import belief as belief_module
from engine.search.optimiser import SearchWarning, propose
from engine.search.sampling import sample_rows
from engine.search.space import SearchSpace
from engine.search.spec import SearchSpec
from engine.search.trial import Trial
from tests.engine.search.spaces import done, space, upper_layers

FURTHER = [{"path": "a.rate", "low": 0.1, "high": 1.0}, {"path": "a.mode", "choices": ["x", "y", "z"]}]


def started(whole: SearchSpace, spec: SearchSpec, finished: int = 14) -> list[Trial]:
    """The first points and some random ones, all finished."""
    rows = [whole.encode(proposal.candidate) for proposal in propose(whole, spec, [], len(whole.baselines()) + spec.start)]
    return done(whole, [*rows, *sample_rows(whole, np.random.default_rng(spec.seed), finished)], upper_layers, error=0.002)


@pytest.mark.parametrize("optimiser", ["botorch", "tpe", "random"])
@pytest.mark.parametrize("objectives", ["one", "two"])
def test_batches_are_new_within_the_budget_and_the_same_when_asked_again(optimiser: str, objectives: str) -> None:
    whole = space(6, kinds=("none", "lora", "ia3"), budget=300, further=FURTHER)
    spec = SearchSpec.model_validate({"optimiser": optimiser, "objectives": objectives, "start": 2, "seed": 5})
    trials = started(whole, spec)
    pending = [Trial(90, whole.decode(row), "running") for row in sample_rows(whole, np.random.default_rng(77), 2)]
    failed = [Trial(95, whole.decode(sample_rows(whole, np.random.default_rng(78), 1)[0]), "failed")]
    everything = trials + pending + failed
    torch.manual_seed(0)
    first = propose(whole, spec, everything, 3)
    torch.manual_seed(1)
    again = propose(whole, spec, list(everything), 3)
    assert first == again
    names = {"botorch": "model", "tpe": "tpe", "random": "random"}
    assert [proposal.origin for proposal in first] == [names[optimiser]] * 3
    candidates = {proposal.candidate for proposal in first}
    assert len(candidates) == 3
    assert not candidates & {trial.candidate for trial in everything}
    assert all(whole.contains(candidate) for candidate in candidates)
    assert all((proposal.mean is None) == (optimiser != "botorch") for proposal in first)
    assert propose(whole, spec.model_copy(update={"seed": 6}), everything, 3) != first


def test_first_points_are_baselines_then_sobol_and_none_comes_twice() -> None:
    whole = space(4)
    spec = SearchSpec(start=3)
    together = propose(whole, spec, [], 8)
    assert [proposal.origin for proposal in together[-3:]] == ["sobol"] * 3
    assert together[0].origin == "uniform lora/both/16"
    one_by_one: list[Trial] = []
    for number in range(8):
        proposal = propose(whole, spec, one_by_one, 1)[0]
        one_by_one.append(Trial(number, proposal.candidate, "proposed"))
    assert [trial.candidate for trial in one_by_one] == [proposal.candidate for proposal in together]
    further = propose(whole, spec, one_by_one, 2)
    assert [proposal.origin for proposal in further] == ["sobol: too few finished trials"] * 2
    assert not {proposal.candidate for proposal in further} & {trial.candidate for trial in one_by_one}


def test_a_batch_takes_its_own_points_for_pending() -> None:
    whole = space(6)
    spec = SearchSpec(start=2)
    trials = started(whole, spec)
    batch = propose(whole, spec, trials, 2)
    alone = propose(whole, spec, trials, 1)
    assert batch[0] == alone[0]
    then = propose(whole, spec, [*trials, Trial(99, alone[0].candidate, "running")], 1)
    assert then[0].candidate == batch[1].candidate


def test_the_model_finds_what_is_good() -> None:
    whole = space(6, budget=200)
    spec = SearchSpec(start=4)
    trials = started(whole, spec, finished=0)
    for _ in range(8):
        candidate = propose(whole, spec, trials, 1)[0].candidate
        trials.append(Trial(len(trials), candidate, "done", upper_layers(candidate), 0.002, whole.parameters(candidate)))
    chance = [upper_layers(whole.decode(row)) for row in sample_rows(whole, np.random.default_rng(0), 300)]
    assert max(trial.value or 0 for trial in trials) >= max(chance)


def test_two_objectives_also_look_for_small_architectures() -> None:
    whole = space(6)
    spec = SearchSpec(start=2, objectives="two")
    trials = started(whole, spec)
    sizes = {whole.parameters(proposal.candidate) for proposal in propose(whole, spec, trials, 4)}
    assert min(sizes) < 0.6 * whole.limit


def test_a_fit_that_breaks_falls_back_to_sobol_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = space(4)
    spec = SearchSpec(start=2)
    trials = started(whole, spec)

    def broken(*_: object) -> None:
        raise ModelFittingError("no attempt succeeded")

    monkeypatch.setattr(belief_module, "fit", broken)
    with pytest.warns(SearchWarning, match="could not be fitted to"):
        proposals = propose(whole, spec, trials, 2)
    assert [proposal.origin for proposal in proposals] == ["sobol: model could not be fitted"] * 2
    assert all("no attempt succeeded" in proposal.warning for proposal in proposals)
    assert not {proposal.candidate for proposal in proposals} & {trial.candidate for trial in trials}


@pytest.mark.parametrize("optimiser", ["botorch", "tpe", "random"])
def test_an_exhausted_space_gives_what_is_left(optimiser: str) -> None:
    tiny = space(2, targets=("both",), ranks=(2, 4))
    spec = SearchSpec.model_validate({"optimiser": optimiser, "start": 2})
    trials = started(tiny, spec, finished=0)
    rest = propose(tiny, spec, trials, 20)
    assert len({proposal.candidate for proposal in rest} | {trial.candidate for trial in trials}) == 9
    assert len(rest) == 9 - len(trials)


def test_trials_outside_a_narrowed_space_are_left_aside() -> None:
    wide, narrow = space(4), space(4, ranks=(2, 4))
    spec = SearchSpec(start=2)
    trials = started(wide, spec)
    assert narrow.contains(propose(narrow, spec, trials, 1)[0].candidate)


def test_thirty_two_free_layers_with_three_kinds_work_at_once() -> None:
    deep = space(32, kinds=("none", "lora", "dora", "loha"), budget=3000)
    spec = SearchSpec(start=2, objectives="one")
    trials = [replace(trial, error=None) for trial in started(deep, spec, finished=30)]
    proposal = propose(deep, spec, trials, 1)[0]
    assert proposal.origin == "model"
    assert deep.contains(proposal.candidate)
