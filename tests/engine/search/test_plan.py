from typing import Any

import pytest

from engine.adapters.choice import LayerChoice
from engine.errors import SpecError
from engine.methods.darec.spec import DarecSpec
from engine.presets import get_preset
from engine.search.plan import SearchPlan, full_run, trial_run
from engine.search.presets import search_presets
from engine.search.trial import Candidate
from engine.spec import override, validate

FOUR = Candidate(tuple(LayerChoice.model_validate(text) for text in ("none", "lora/mlp/4", "none", "lora/both/2")))


def plan(run: dict[str, Any] | None = None, **settings: Any) -> SearchPlan:
    values = get_preset("darec-nano").spec({"training.minutes": 10, **(run or {})}).model_dump(mode="json")
    return validate(SearchPlan, override({"run": values}, settings))


def test_a_full_run_is_the_base_with_the_candidate() -> None:
    base = plan()
    spec = full_run(base, Candidate(FOUR.architecture, (("method.learning_rate", 0.002),)))
    assert isinstance(spec.method, DarecSpec)
    assert spec.method.architecture == FOUR.architecture
    assert spec.method.learning_rate == 0.002
    assert spec.training == base.run.training


def test_a_trial_keeps_the_cf_stage_and_shortens_the_joint_one() -> None:
    base = plan({"method.injection.share_of_time": 0.4}, share=0.1)
    spec = trial_run(base, FOUR, (0.1, 0.2))
    assert isinstance(spec.method, DarecSpec)
    minutes, share = spec.training.minutes, spec.method.injection.share_of_time
    assert minutes is not None
    assert minutes * share == pytest.approx(4)
    assert minutes * (1 - share) == pytest.approx(0.6)
    assert spec.training.stop_below == (0.1, 0.2)
    assert not spec.training.keep_start
    assert not spec.evaluation.test


@pytest.mark.parametrize("run", [{"method.injection.kind": "none"}, {"method.injection.share_of_time": 0}])
def test_without_a_stage_of_its_own_all_of_the_run_is_shortened(run: dict[str, Any]) -> None:
    assert trial_run(plan(run, share=0.1), FOUR).training.minutes == pytest.approx(1)


def test_impossible_plans_say_what_is_wrong() -> None:
    with pytest.raises(SpecError, match=r"run\.training\.minutes: is missing"):
        plan({"training.minutes": None})
    with pytest.raises(SpecError, match=r"run\.method: got sasrec, must be darec"):
        validate(SearchPlan, {"run": get_preset("sasrec").spec({"training.minutes": 1}).model_dump(mode="json")})
    with pytest.raises(SpecError, match=r"run\.evaluation\.test: got false"):
        search_presets().get("search-nano").plan({"run.evaluation.test": False})
    with pytest.raises(SpecError, match=r"training\.lerning_rate"):
        plan(**{"space.further": [{"path": "training.lerning_rate", "low": 0.001, "high": 0.01}]})


@pytest.mark.parametrize("name", search_presets().names())
def test_every_preset_is_a_plan(name: str) -> None:
    found = search_presets().get(name).plan({"trials": 7, "run.training.minutes": 2})
    assert found.trials == 7
    assert found.run.training.minutes == 2
    assert isinstance(trial_run(found, Candidate((LayerChoice(),) * len(found.method.architecture))), type(found.run))
