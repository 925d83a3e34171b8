"""A search step by step, in this process: stages, failures, pauses and extensions."""

from collections.abc import Callable

import pytest
from redis import Redis

from engine.search import answer
from engine.search.stopping import LearningCurve, floors
from engine.search.trial import Candidate, Trial
from engine.search.winner import Winner
from engine.spec import parse_spec
from tests.workers.fixtures import Version
from tests.workers.searches.searching import best_of_rows, end_run, fail_run, make_search, play
from webapp.experiments.actions import request_cancel
from webapp.experiments.models import Run, RunState
from webapp.searches.actions import cancel_search, extend_search, pause_search, resume_search
from webapp.searches.models import Search, SearchState, SearchTrial, Stage, TrialState
from workers.claims import claim_run
from workers.searches import steps
from workers.searches.settling import settle
from workers.searches.steps import advance_search

LEARNING_RATE = {"path": "training.learning_rate", "low": 1e-4, "high": 1e-2, "log": True, "levels": 9}


def trials(search: Search, stage: Stage = Stage.TRIAL) -> list[SearchTrial]:
    return list(search.trials.filter(stage=stage).select_related("run").order_by("number"))


def test_as_many_trials_as_may_be_at_once_and_no_more(version: Version, broker: "Redis[bytes]") -> None:
    search = make_search(version, at_once=3)
    assert broker.llen("io") == 1
    advance_search(search.pk)
    advance_search(search.pk)
    found = trials(search)
    assert [trial.number for trial in found] == [0, 1, 2]
    assert {(trial.state, trial.run.state) for trial in found} == {(TrialState.RUNNING, RunState.QUEUED)}
    assert all(trial.run.created_by == search.created_by and trial.run.project == search.project for trial in found)
    assert broker.llen("gpu") == 3
    for trial in found:
        own = parse_spec(trial.run.spec).method.architecture  # type: ignore[union-attr]
        assert Candidate(own) == trial.read_candidate()
    end_run(found[1])
    assert broker.llen("io") == 2, "its end asks for the next"
    advance_search(search.pk)
    assert [trial.state for trial in trials(search)] == ["running", "done", "running", "running"]


def test_a_search_comes_to_its_comparison(version: Version) -> None:
    search = play(make_search(version))
    assert (search.state, search.message) == (SearchState.FINISHED, "")
    found = trials(search)
    assert len({trial.fingerprint for trial in found}) == len(found) == 5
    told = search.answer
    assert [trial["value"] for trial in told["trials"]] == [trial.value for trial in found]
    winner = found[told["best"]["trial"]]
    assert told["best"]["architecture"] == winner.candidate["architecture"]
    assert winner.number == best_of_rows(search)
    finals = [(trial.seed, trial.run.spec["training"]["minutes"]) for trial in trials(search, Stage.WINNER)]
    seed = search.plan["run"]["training"]["seed"]
    assert finals == [(seed + 1, 1.0), (seed + 2, 1.0)], "in full, on seeds that no trial has seen"
    assert {trial.seed for trial in trials(search, Stage.UNIFORM)} == {seed + 1, seed + 2}
    assert told["verdict"].startswith("Not judged, the set is too small")
    assert 0 < told["p_value"] <= 1
    assert told["full_training_seconds"] == 2.0
    assert told["seconds"] > 0
    assert told["final_seconds"] > 0
    assert set(told) == {
        *("best", "uniform", "trials", "seconds", "final_seconds", "full_training_seconds", "p_value", "comparison", "verdict")
    }
    assert search.finished_at is not None


def test_a_failed_trial_is_a_trial_and_is_not_tried_again(version: Version) -> None:
    fate: list[Callable[[SearchTrial], None]] = [fail_run, lambda trial: request_cancel(trial.run), end_run, end_run, end_run]
    search = play(make_search(version, at_once=1), lambda trial: (fate.pop(0) if fate else end_run)(trial))
    found = trials(search)
    assert [trial.state for trial in found] == ["failed", "cancelled", "done", "done", "done"]
    assert [trial.value is None for trial in found] == [True, True, False, False, False]
    assert len({trial.fingerprint for trial in found}) == 5
    assert search.state == SearchState.FINISHED


def test_a_run_that_is_lost_for_good_is_a_failed_trial(version: Version) -> None:
    search = make_search(version, at_once=1)
    advance_search(search.pk)
    (trial,) = trials(search)
    for number in range(3):
        attempt = claim_run(trial.run_id)
        assert attempt is not None
        assert attempt.lose("it was killed")
        settle(search.pk)
        trial.refresh_from_db()
        assert trial.state == (TrialState.FAILED if number == 2 else TrialState.RUNNING)
    advance_search(search.pk)
    assert len(trials(search)) == 2


def test_if_every_trial_fails_the_search_says_why(version: Version) -> None:
    search = play(make_search(version), fail_run)
    assert search.state == SearchState.FAILED
    first = trials(search)[0].run
    assert search.message == f"All 5 trials failed, so there is no winner. {first}: Out of luck."
    assert "launch a new search" in search.hint
    extend_search(search, search.created_by, 2)  # type: ignore[arg-type]
    search = play(search)
    assert (search.state, search.message) == (SearchState.FINISHED, "")
    assert [trial.state for trial in trials(search)] == ["failed"] * 5 + ["done"] * 2


def test_a_value_that_is_no_number_is_a_failed_trial(version: Version) -> None:
    values = [float("nan")]
    search = play(make_search(version), lambda trial: end_run(trial, values.pop() if values else None))
    assert [trial.state for trial in trials(search)].count(TrialState.FAILED) == 1
    assert search.state == SearchState.FINISHED


def test_later_trials_end_early_below_the_median_of_earlier_ones(version: Version) -> None:
    search = play(make_search(version, at_once=1, trials=7))
    found = trials(search)
    curves = [LearningCurve(trial.run.curve, trial.run.curve_at) for trial in found]
    assert [trial.run.spec["training"]["stop_below"] for trial in found] == [list(floors(curves[:n])) for n in range(7)]
    assert found[5].run.spec["training"]["stop_below"] != []
    play(search := make_search(version, at_once=1, trials=7, stopping="none"))
    assert {len(trial.run.spec["training"]["stop_below"]) for trial in trials(search)} == {0}
    early = make_search(version, at_once=1, trials=1)
    play(early, lambda trial: end_run(trial, stopped_below=True, curve=[0.1], curve_at=[0.4]))
    assert trials(early)[0].fidelity == 0.4


def test_pause_resume_and_cancel(version: Version, broker: "Redis[bytes]") -> None:
    search = make_search(version)
    user = search.created_by
    assert user is not None
    advance_search(search.pk)
    pause_search(search, user)
    end_run(trials(search)[0])
    advance_search(search.pk)
    assert [trial.state for trial in trials(search)] == ["done", "running"], "nothing new while it is paused"
    resume_search(search, user)
    advance_search(search.pk)
    found = trials(search)
    assert [trial.state for trial in found] == ["done", "running", "running"]
    assert claim_run(found[1].run_id) is not None
    before = broker.llen("io")
    cancel_search(search, user)
    assert broker.llen("io") == before + 1
    states = [run.state for run in Run.objects.filter(search_trial__search=search).order_by("pk")]
    assert states == [RunState.SUCCEEDED, RunState.CANCELLING, RunState.CANCELLED]
    advance_search(search.pk)
    assert [trial.state for trial in trials(search)] == ["done", "running", "cancelled"]
    search.refresh_from_db()
    assert search.state == SearchState.CANCELLED


def test_an_extended_search_compares_again_only_if_another_wins(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not the model's choice, so that the test knows who wins.
    def luckiest(_: object, found: list[Trial]) -> Winner:
        return Winner(max(found, key=lambda trial: trial.value or 0), None, None, "highest value")

    monkeypatch.setattr(answer, "best", luckiest)
    search = play(make_search(version, trials=3))
    user = search.created_by
    assert user is not None
    first = search.answer
    extend_search(search, user, 1)
    search = play(search, lambda trial: end_run(trial, 0.01))
    assert search.state == SearchState.FINISHED
    assert len(search.answer["trials"]) == 4
    assert search.answer["best"] == first["best"]
    assert len(trials(search, Stage.WINNER)) == len(trials(search, Stage.UNIFORM)) == 2
    extend_search(search, user, 1)
    search = play(search, lambda trial: end_run(trial, 0.9))
    assert search.answer["best"]["trial"] == 4
    assert [trial.seed for trial in trials(search, Stage.WINNER)] == [1, 2, 1, 2]


def test_uniform_lora_has_its_own_settings_from_as_many_trials(version: Version) -> None:
    search = play(make_search(version, trials=3, **{"space.further": [LEARNING_RATE]}))
    rivals = trials(search, Stage.RIVAL)
    assert len(rivals) == 3
    assert {len(set(trial.candidate["architecture"])) for trial in rivals} == {1}
    assert len({trial.candidate["fields"]["training.learning_rate"] for trial in rivals}) == 3
    assert search.state == SearchState.FINISHED
    best = max(rivals, key=lambda trial: trial.value or 0)
    assert search.answer["uniform"]["fields"] == best.candidate["fields"] or len({trial.value for trial in rivals}) == 1


def test_a_full_training_that_failed_is_repeated_when_the_search_is_resumed(version: Version) -> None:
    def end(trial: SearchTrial) -> None:
        (fail_run if trial.stage == Stage.WINNER and trial.number == 0 else end_run)(trial)

    search = play(make_search(version, trials=2), end)
    assert search.state == SearchState.FAILED
    assert search.message.startswith("The final comparison is not complete. run-")
    failed = trials(search, Stage.WINNER)[0].run
    resume_search(search, search.created_by)  # type: ignore[arg-type]
    search = play(search)
    assert search.state == SearchState.FINISHED
    assert all(trial.state == TrialState.DONE for trial in search.trials.all())
    assert Run.objects.filter(pk=failed.pk, search_trial=None).exists()


def test_a_small_space_ends_when_it_is_exhausted(version: Version) -> None:
    search = make_search(version, trials=30, **{"space.ranks": [2], "space.targets": ["both"], "space.groups": 1})
    search = play(search)
    assert search.state == SearchState.FINISHED
    assert len(trials(search)) == 2
    assert search.message.startswith("The space is exhausted after 2 trials")


def test_a_space_that_does_not_fit_the_backbone_fails_the_search_in_words(version: Version) -> None:
    search = play(make_search(version, **{"space.groups": 5}))
    assert search.state == SearchState.FAILED
    assert "5" in search.message
    assert search.reference == ""


def test_a_fault_of_ours_fails_the_search_with_a_reference(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    search = make_search(version)

    def broken(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(steps.Decider, "decide", broken)
    advance_search(search.pk)
    search.refresh_from_db()
    assert search.state == SearchState.FAILED
    assert search.reference
    assert search.reference in search.message


def test_of_two_that_propose_at_once_one_wins(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    search = make_search(version)
    decide = steps.Decider.decide

    def slow(self: steps.Decider) -> steps.Decision:
        decision = decide(self)
        monkeypatch.setattr(steps.Decider, "decide", decide)
        # Another worker was as quick.
        advance_search(search.pk)
        return decision

    monkeypatch.setattr(steps.Decider, "decide", slow)
    advance_search(search.pk)
    found = trials(search)
    assert [trial.number for trial in found] == [0, 1]
    assert len({trial.fingerprint for trial in found}) == 2


def test_a_gone_search_is_nothing_to_do(database: None) -> None:
    advance_search(4711)
