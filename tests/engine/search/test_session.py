"""A whole small search: real trials in real processes, the final comparison, and going on after a stop."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.data.version import Version
from engine.errors import RunCancelled, UserError
from engine.events import LogEvent
from engine.search.folder import SearchFolder
from engine.search.plan import SearchPlan
from engine.search.session import run_search
from engine.spec import override, validate
from tests.engine.methods.runs import small_spec


def small_plan(**settings: Any) -> SearchPlan:
    run = small_spec(
        "darec", {"training.minutes": 0.2, "training.clock": "processor", "training.epochs": 1, "method.blend.fit": False}
    ).model_dump(mode="json")
    values = {"run": run, "trials": 5, "start": 1, "final_seeds": 1, "space": {"ranks": [2, 4]}}
    return validate(SearchPlan, override(values, settings))


def test_a_search_ends_with_a_fair_comparison(planted: Version, tmp_path: Path) -> None:
    plan = small_plan()
    lines: list[str] = []
    answer = run_search(plan, planted, tmp_path, lambda event: lines.append(getattr(event, "message", "")), jobs=2)
    trials = answer["trials"]
    assert [trial["number"] for trial in trials] == [0, 1, 2, 3, 4]
    assert all(trial["state"] == "done" for trial in trials)
    assert len({(*trial["architecture"],) for trial in trials}) == 5, "no point twice"
    best = max(trial["value"] for trial in trials)
    assert any(f"best {best:.4f}" in line for line in lines)
    winner = trials[answer["best"]["trial"]]
    assert answer["best"]["architecture"] == winner["architecture"]
    assert answer["best"]["adapter_parameters"] == winner["parameters"]
    sizes = answer["best"]["adapter_parameters"], answer["uniform"]["adapter_parameters"]
    assert abs(sizes[0] - sizes[1]) <= 0.5 * max(1, *sizes)
    for side in ("best", "uniform"):
        assert set(answer[side]["test"]) >= {"ndcg@10", "hr@10"}
    assert answer["verdict"].startswith("Not judged, the set is too small")
    assert 0 < answer["p_value"] <= 1
    assert answer["seconds"] > 0
    assert answer["final_seconds"] > 0
    assert answer["full_training_seconds"] > 0
    assert json.loads((tmp_path / "answer.json").read_text())["best"] == answer["best"]
    seeds = {path.parent.name for path in tmp_path.glob("final-*/winner/*/result.json")}
    assert seeds == {f"seed-{plan.run.training.seed + 1}"}, "a seed that no trial has seen"


def test_a_stopped_search_goes_on_without_losing_or_repeating(planted: Version, tmp_path: Path) -> None:
    plan = small_plan(trials=3)
    lines: list[str] = []

    def a_trial_ended() -> bool:
        return sum("/3  trial" in line for line in lines) >= 1

    report = lambda event: lines.append(event.message) if isinstance(event, LogEvent) else None  # noqa: E731
    with pytest.raises(RunCancelled):
        run_search(plan, planted, tmp_path, report, should_stop=a_trial_ended)
    kept = [(trial.number, trial.candidate, trial.value) for trial in (f.trial() for f in SearchFolder(tmp_path).trials())]
    assert sum(value is not None for _, _, value in kept) >= 1
    lines.clear()
    answer = run_search(plan, planted, tmp_path, report)
    trials = [folder.trial() for folder in SearchFolder(tmp_path).trials()]
    for number, candidate, value in kept:
        assert trials[number].candidate == candidate
        assert value is None or trials[number].value == value
    assert len({trial.candidate for trial in trials}) == len(trials) == 3
    assert {trial["state"] for trial in answer["trials"]} == {"done"}
    more = run_search(plan.model_copy(update={"trials": 4}), planted, tmp_path, report)
    assert len(more["trials"]) == 4
    assert [trial["value"] for trial in more["trials"][:3]] == [trial["value"] for trial in answer["trials"]]
    with pytest.raises(UserError, match="holds another search"):
        run_search(small_plan(seed=7), planted, tmp_path, report)


def test_trials_share_the_cf_model(planted: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARECLAB_CACHE", str(tmp_path / "cache"))
    plan = small_plan(trials=3, **{"run.method.injection.share_of_time": 0.5})
    run_search(plan, planted, tmp_path / "search", lambda event: None)
    logs = [(folder.path / "run.log").read_text() for folder in SearchFolder(tmp_path / "search").trials()]
    assert ["taken over" in log for log in logs] == [False, True, True]


def test_the_rival_tunes_its_own_settings_with_as_many_trials(planted: Version, tmp_path: Path) -> None:
    field = {"path": "method.learning_rate", "low": 0.0003, "high": 0.01, "log": True}
    plan = small_plan(trials=3, **{"space.further": [field]})
    answer = run_search(plan, planted, tmp_path, lambda event: None)
    assert {*answer["uniform"]["fields"]} == {*answer["best"]["fields"]} == {"method.learning_rate"}
    (rival,) = tmp_path.glob("rival-rank-*")
    trials = [folder.trial() for folder in SearchFolder(rival).trials()]
    assert len(trials) == 3
    assert len({trial.candidate for trial in trials}) == 3
    assert len({trial.candidate.architecture for trial in trials}) == 1, "one architecture, other settings"
    assert answer["uniform"]["fields"]["method.learning_rate"] in {
        trial.candidate.settings["method.learning_rate"] for trial in trials
    }
